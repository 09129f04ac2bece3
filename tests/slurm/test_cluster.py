"""The tiny case through a real scheduler, with the profile as one would edit it.

One file, because there is one cluster at a time.
"""

import json
import re
import subprocess
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from explaind.files import write_text
from explaind.history.state import CHECKPOINT
from explaind.paths import Paths, seal
from explaind.store import open_sealed
from tests.slurm.jobs import jobs, jobs_of, submit
from tests.workflow.project import Project

pytestmark = pytest.mark.timeout(1800)  # every job starts Python, torch and Snakemake

LOCAL = {"all", "plotly_js", "report"}  # seconds, and no computation
EDITS = {
    "# slurm_account: my_project": "slurm_account: physics",
    "# slurm_partition: main": "slurm_partition: special",
    "# set-resources:": "set-resources:",
    '#   predict_epk: {gres: "gpu:1"}': '  predict_epk: {gres: "gpu:1"}',
    "predict_epk: 8": "predict_epk: 1\n  train: 2\n  validate_epk: 2",  # as in the local run
    "pruning: 4": "pruning: 1",
    "label_noise: 4": "label_noise: 1",
    "leave_group_out: 4": "leave_group_out: 1",
}
# The plugin asks whether the account exists, which only a cluster with a database can tell.
SACCTMGR = "#!/bin/sh\necho physics\n"

COST = re.compile(rb"<details><summary>Cost: .*?</details>", re.DOTALL)

TRAINING = ("all", "--until", "train", "--set-threads", "train=1")
LONGER = "max_steps: 1000\n      stop_at_accuracy: null"

# Read by the job when it imports the library: more memory than it asks for at first.
BALLAST = """
import time
BALLAST = bytearray(b"1") * (600 * 2**20)
time.sleep(3)
"""


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
    project, planned, found = submitted
    expected = {rule: count for rule, count in planned.items() if rule not in LOCAL}
    assert expected["predict_epk"] == 2
    assert Counter(job.rule for job in found) == expected
    assert {job.state for job in found} == {"COMPLETED"}
    assert project.planned() == {}


def test_account_and_partition_come_from_the_profile(submitted):
    _, _, found = submitted
    assert {(job.account, job.partition) for job in found} == {("physics", "special")}


def test_only_rules_that_the_profile_names_ask_for_a_gpu(submitted):
    _, _, found = submitted
    asked = {job.rule: job.gres for job in found}
    assert asked.pop("predict_epk") == "gres:gpu:1"
    assert set(asked.values()) == {"N/A"}


def test_memory_and_cores_are_those_of_the_rules(submitted):
    project, _, found = submitted
    plan = json.loads(Paths(project.root).plan("grokking").read_text())
    by_rule = {job.rule: job for job in found}
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

    Not the archives of torch, which hold a name, and not what was measured: times, also those on
    the index page, the plan, and the attributes of the stores less those that their seals cover.
    """
    files = [*(root / "data").rglob("*"), *(root / "results").rglob("*")]
    return {
        file.relative_to(root): COST.sub(b"", file.read_bytes())
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


def wait_for(path: Path, running: Future[str]) -> None:
    """Until a file is there; the result of Snakemake if it ends before."""
    while not path.exists():
        assert not running.done(), running.result()
        time.sleep(0.05)


def test_a_cancelled_training_goes_on_from_its_checkpoint(project, tmp_path_factory):
    project.replace("config/tiny.yaml", "max_steps: 30", LONGER)
    local = project.copy(tmp_path_factory.mktemp("local"))
    local.snakemake(*TRAINING)
    history = Paths(project.root).history("grokking")
    with ThreadPoolExecutor() as pool:
        running = pool.submit(submit, project, *TRAINING)
        wait_for(history / CHECKPOINT, running)
        (job,) = jobs("--states=RUNNING")
        subprocess.run(["scancel", str(job.number)], check=True)
        output = running.result()

    first, second = jobs_of(output)
    assert first.number == job.number
    assert (first.rule, first.state) == ("train", "CANCELLED")
    assert (second.rule, second.state) == ("train", "COMPLETED")
    assert "going on from step" in (project.root / "logs" / "train" / "grokking.log").read_text()
    expected = open_sealed(Paths(local.root).history("grokking")).load()
    assert open_sealed(history).load().identical(expected)
    assert "train" not in project.planned()  # nothing is marked as incomplete


def test_a_job_killed_for_its_memory_comes_back_with_more(project):
    dataset = Paths(project.root).dataset("modulo")
    expected = open_sealed(dataset).load()
    project.replace("workflow/rules/data.smk", "memory(4000)", "memory(600)")
    project.append("explaind/pipeline/prepare.py", BALLAST)
    seal(dataset).unlink()

    output = submit(project, str(seal(Paths("").dataset("modulo"))), by="--profile")

    first, second = jobs_of(output)
    assert (first.state, second.state) == ("FAILED", "COMPLETED")
    assert (first.memory, second.memory) == (600, 1200)
    assert open_sealed(dataset).load().equals(expected)
