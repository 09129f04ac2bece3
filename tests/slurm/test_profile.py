"""The tiny case through a real scheduler, with the profile as one would edit it."""

import json
from collections import Counter

import pytest

from explaind.files import write_text
from explaind.paths import Paths
from tests.slurm.jobs import jobs_of, submit
from tests.workflow.project import Project

LOCAL = {"all", "plotly_js", "report"}  # seconds, and no computation
EDITS = {
    "# slurm_account: my_project": "slurm_account: physics",
    "# slurm_partition: main": "slurm_partition: special",
    "# set-resources:": "set-resources:",
    '#   predict_epk: {gres: "gpu:1"}': '  predict_epk: {gres: "gpu:1"}',
    "predict_epk: 8": "{train: 2, validate_epk: 2, predict_epk: 1}",  # as in the local run
}
# The plugin asks whether the account exists, which only a cluster with a database can tell.
SACCTMGR = "#!/bin/sh\necho physics\n"


@pytest.fixture(scope="module")
def submitted(slurm, tiny_run, tmp_path_factory):
    """The directory of a run through the cluster, and what Snakemake wrote."""
    project = Project.create(tmp_path_factory.mktemp("submitted"))
    planned = project.planned()
    for old, new in EDITS.items():
        project.replace("workflow/profiles/slurm/config.yaml", old, new)
    sacctmgr = project.root / "bin" / "sacctmgr"
    write_text(sacctmgr, SACCTMGR)
    sacctmgr.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(sacctmgr.parent), prepend=":")
        output = submit(project, "all")
    return project, planned, jobs_of(output)


def test_every_job_went_through_the_scheduler(submitted):
    project, planned, jobs = submitted
    expected = {rule: count for rule, count in planned.items() if rule not in LOCAL}
    assert expected["predict_epk"] == 2
    assert Counter(job.rule for job in jobs) == expected
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert project.planned() == {}


def test_account_and_partition_come_from_the_profile(submitted):
    _, _, jobs = submitted
    assert {(job.account, job.partition) for job in jobs} == {("physics", "special")}


def test_only_rules_that_the_profile_names_ask_for_a_gpu(submitted):
    _, _, jobs = submitted
    asked = {job.rule: job.gres for job in jobs}
    assert asked.pop("predict_epk") == "gres:gpu:1"
    assert set(asked.values()) == {"N/A"}


def test_memory_and_cores_are_those_of_the_rules(submitted):
    project, _, jobs = submitted
    plan = json.loads(Paths(project.root).plan("grokking").read_text())
    by_rule = {job.rule: job for job in jobs}
    assert by_rule["train"].memory == 4000
    assert by_rule["predict_epk"].memory == plan["jobs"]["predict_epk"]["mem_mb"]
    assert by_rule["train"].cores == 2
    assert by_rule["accumulate_kernel"].cores == 1


def test_the_results_are_those_of_the_local_run(submitted, tiny_run):
    project, _, _ = submitted
    expected, found = contents(tiny_run), contents(project.root)
    assert Paths(tiny_run).index() in {tiny_run / name for name in expected}
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []


def contents(root):
    """Results byte for byte.

    Not the archives of torch, which hold a name, and not what was measured: times, the plan, and
    the attributes of the stores less those that their seals cover.
    """
    files = [*(root / "data").rglob("*"), *(root / "results").rglob("*")]
    return {
        file.relative_to(root): file.read_bytes()
        for file in files
        if file.is_file()
        and file.parent.name != "benchmarks"
        and file.suffix != ".pt"
        and file.name not in {"plan.json", "zarr.json"}
    }


def test_logs_have_no_progress_bars(submitted):
    project, _, _ = submitted
    logs = {file: file.read_text() for file in (project.root / "logs").rglob("*.log")}
    assert project.root / "logs" / "train" / "grokking.log" in logs
    assert [file for file, text in logs.items() if "\r" in text or "%|" in text] == []
