"""The wheel with all it needs in an environment of its own: from nothing to a first result.

The sdist is a checkout, whose workflow runs in the same environment. The docs promise ten minutes;
what it took is in the report of the tests (`--junit-xml`): a busy machine needs longer.
"""

import sys
import tarfile
import time

import pytest

from explaind.files import write_text
from tests.distributions import build, run
from tests.documents import blocks
from tests.workflow.project import REPOSITORY

ALONE = {"PYTHONPATH": "", "PYTHONNOUSERSITE": "1"}


@pytest.mark.timeout(1800)  # downloads
def test_from_the_wheel_to_a_first_result(tmp_path, record_property):
    begin = time.monotonic()
    (made := tmp_path / "made").mkdir()
    sdist, wheel = build(made)
    (study := tmp_path / "study").mkdir()
    run(sys.executable, "-m", "venv", ".venv", cwd=study)
    programs = study / ".venv" / "bin"
    constraints = str(REPOSITORY / "constraints.txt")
    install = ("install", "--quiet", "--no-compile", "--constraint", constraints, str(wheel))
    run(programs / "pip", *install, cwd=study, **ALONE)

    (script,) = (block.text for block in blocks("docs/index.md") if block.language == "python")
    write_text(study / "first.py", script)
    written = run(programs / "python", "first.py", cwd=study, **ALONE)
    assert "The numbers can be trusted." in written
    record_property("seconds to a first result", time.monotonic() - begin)
    assert "predict-epk" in run(programs / "explaind", "--help", cwd=study, **ALONE)

    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    checkout = tmp_path / sdist.name.removesuffix(".tar.gz")
    path = {**ALONE, "PATH": f"{programs}:/usr/bin:/bin"}
    dry = ("--configfile", "config/tiny.yaml", "--dry-run", "--", "all")
    said = run(programs / "snakemake", *dry, cwd=checkout, **path)
    assert "This was a dry-run" in said
