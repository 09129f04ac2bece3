"""The profile of a cluster, by what a dry run would submit."""

import re

from tests.workflow.project import TINY

PROFILE = "workflow/profiles/slurm"


def cores(project):
    """Cores that each job of a forced rerun would ask for, those that ask for one left out."""
    for file in (project.root / "workflow" / "rules").glob("*.smk"):  # a message hides the threads
        file.write_text(re.sub(r" +message:\n.*\n", "", file.read_text()))
    # A dry run has one core unless it is told more.
    options = ("--workflow-profile", PROFILE, "--dry-run", "--forceall", "--cores", "64", "--")
    output = project.call("snakemake", *TINY, *options, "all")
    jobs = re.findall(r"rule (\w+):\n(?: {4}.*\n)*? {4}threads: (\d+)", output)
    return {rule: int(count) for rule, count in jobs}


def test_one_key_caps_the_cores_of_every_job(project):
    asked = cores(project)
    assert asked["predict_epk"] == 8
    assert {"train", "pruning", "label_noise"} <= asked.keys()
    project.replace(f"{PROFILE}/config.yaml", "# max-threads: 2", "max-threads: 2")
    assert cores(project) == {rule: min(2, count) for rule, count in asked.items()}
