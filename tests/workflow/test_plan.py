"""Rules that take their resources from the plan, and shards that it chooses."""

import json
import re

import numpy as np
import pytest

from explaind.paths import Paths, seal
from explaind.store import open_sealed

pytestmark = pytest.mark.long

MEMORY = ("--config", "runs={grokking: {epk: {memory_gb: 3}}}")


def plan_of(project):
    return json.loads(Paths(project.root).plan("grokking").read_text())


def done(output):
    """Names of the rules that were run."""
    return set(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", output)) - {"all"}


def resources(project, rule, *arguments):
    """Resources of the jobs of a rule in a dry run; rules with a message do not show them."""
    file = project.root / "workflow" / "rules" / "epk.smk"
    file.write_text(re.sub(r"    message:\n        .*\n", "", file.read_text()))
    output = project.snakemake("--dry-run", *arguments, "--", "all")
    return re.findall(rf"rule {rule}:(?:\n    .*)*?\n    resources: (.*)", output)


def test_rules_ask_for_what_the_plan_says(project):
    jobs = plan_of(project)["jobs"]
    for rule, count in (("predict_epk", 2), ("validate_epk", 1)):
        found = resources(project, rule, "--forcerun", rule)
        assert len(found) == count
        asked = [f"{name}={jobs[rule][name]}," for name in ("mem_mb", "runtime", "gpu")]
        assert all(part in f"{row}," for row in found for part in asked), found


def test_before_there_is_a_plan_resources_are_left_open(project):
    project.snakemake("--delete-all-output", "all")
    found = resources(project, "predict_epk")
    assert len(found) == 2
    assert all("mem_mb=<TBD>" in row and "runtime=<TBD>" in row for row in found)


def test_other_memory_makes_a_new_plan_and_no_shard(project):
    paths = Paths(project.root)
    since = [seal(paths.shard("grokking", f"{k}-of-2")).stat().st_mtime_ns for k in range(2)]
    assert plan_of(project)["machine"]["memory"] != 3 * 10**9

    found = done(project.snakemake(*MEMORY, "--", "all"))

    assert found == {"plan_epk", "report"}  # which shows the config

    assert plan_of(project)["machine"]["memory"] == 3 * 10**9
    assert since == [
        seal(paths.shard("grokking", f"{k}-of-2")).stat().st_mtime_ns for k in range(2)
    ]
    assert project.planned(*MEMORY) == {}


def test_a_new_plan_hides_no_other_change(project):
    """Snakemake looks at the jobs behind the plan again once it is made."""
    output = project.snakemake(*MEMORY, "experiments={training: {smoothing: 3}}", "--", "all")
    assert done(output) == {"plan_epk", "page_training", "report"}


def test_a_lost_plan_makes_no_shard_again(project):
    Paths(project.root).plan("grokking").unlink()
    found = done(project.snakemake("all"))
    assert "plan_epk" in found
    assert found.isdisjoint({"train", "predict_epk", "validate_epk"})


def test_memory_that_is_too_small_is_refused_with_both_numbers(project):
    small = "runs={grokking: {epk: {memory_gb: 0.1}}}"
    message = project.snakemake("--config", small, "--", "all", fails=True)
    assert re.search(r"One explained sample needs \d+ MB, but .* 100 MB", message)
    assert "Raise epk.memory_gb" in message
    assert "Traceback" not in message


def test_automatic_shards_are_as_many_as_the_plan_says(project):
    paths = Paths(project.root)
    before = open_sealed(paths.influence("grokking")).load()
    auto = ("--config", "runs={grokking: {epk: {shards: auto}}}")

    output = project.snakemake("all", "--until", "accumulate_kernel", *auto)

    assert {"plan_epk", "predict_epk", "accumulate_kernel"} <= done(output)
    assert plan_of(project)["shards"] == 1  # fits easily
    assert seal(paths.shard("grokking", "0-of-1")).exists()
    after = open_sealed(paths.influence("grokking")).load()
    np.testing.assert_allclose(after["influence"], before["influence"], rtol=1e-4, atol=1e-7)
    assert "predict_epk" not in project.planned(*auto)
