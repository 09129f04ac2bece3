"""Jobs of Snakemake on the cluster: submit them, and see what the scheduler knows about them."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.workflow.project import TINY, Project

IMPATIENT = Path(__file__).with_name("impatient.py")
FIELDS = "%i|%k|%T|%m|%C|%b|%a|%P"


@dataclass(frozen=True)
class Job:
    """One job as `squeue` shows it.

    Attributes:
        rule: the rule of Snakemake, from the comment that the plugin writes.
        state: ``COMPLETED``, ``CANCELLED``, ...
        memory: what was asked for, in MB.
        gres: generic resources that were asked for, ``N/A`` for none.
    """

    number: int
    rule: str
    state: str
    memory: int
    cores: int
    gres: str
    account: str
    partition: str


def submit(project: Project, *arguments: str, by: str = "--workflow-profile") -> str:
    """Run Snakemake on the tiny case through the cluster; returns what it wrote."""
    snakemake = ("-P", str(IMPATIENT), *TINY)
    done = project.python(*snakemake, by, "workflow/profiles/slurm", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def jobs_of(output: str) -> list[Job]:
    """The jobs that one call of Snakemake has submitted, in this order.

    Args:
        output: what Snakemake wrote; holds the name it gives to all its jobs.
    """
    found = re.search(r"SLURM run ID: (\S+)", output)
    assert found, output
    return jobs("--name", found[1])


def jobs(*selection: str) -> list[Job]:
    """The jobs that `squeue` selects, by number."""
    command = ("squeue", "--states=all", "--noheader", f"--format={FIELDS}", *selection)
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted((_job(line) for line in lines), key=lambda job: job.number)


def _job(line: str) -> Job:
    number, comment, state, memory, cores, gres, account, partition = line.split("|")
    rule = comment.removeprefix("rule_").partition("_wildcards_")[0]
    megabytes = int(memory.removesuffix("M"))
    return Job(int(number), rule, state, megabytes, int(cores), gres, account, partition)
