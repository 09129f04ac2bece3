"""Jobs that end before they are done are submitted again."""

import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from explaind.history.writer import CHECKPOINT
from explaind.paths import Paths, seal
from explaind.store import open_sealed
from tests.slurm.jobs import jobs, jobs_of, submit

TRAINING = ("all", "--until", "train", "--set-threads", "train=1")
LONGER = "max_steps: 1000\n      stop_at_accuracy: null"

# Read by the job when it imports the library: more memory than it asks for at first.
BALLAST = """
import time
BALLAST = bytearray(b"1") * (600 * 2**20)
time.sleep(3)
"""


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
    project.replace("workflow/rules/data.smk", "memory(2000)", "memory(600)")
    project.append("explaind/data/prepare.py", BALLAST)
    seal(dataset).unlink()

    output = submit(project, "all", "--until", "prepare_dataset", by="--profile")

    first, second = jobs_of(output)
    assert (first.state, second.state) == ("FAILED", "COMPLETED")
    assert (first.memory, second.memory) == (600, 1200)
    assert open_sealed(dataset).load().equals(expected)
