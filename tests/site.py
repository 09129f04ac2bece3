"""The site of the docs, built strictly: a broken link is an error."""

import subprocess
import sys
from pathlib import Path

from tests.workflow.project import REPOSITORY


def build_site(folder: Path) -> Path:
    """Build it in a folder."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder
