"""The wheel and the sdist, built from a copy of the checkout; offline."""

import fnmatch
import os
import shutil
import subprocess
import sys

from tests.workflow.project import REPOSITORY

MADE = {".git", ".snakemake", ".venv", "build", "data", "dist", "logs", "results"}
"""What may lie in a checkout and is not of it."""

SDIST = "import setuptools.build_meta as build; build.build_sdist({!r})"


def run(*arguments, cwd, **environment):
    """What a command writes; it has to succeed."""
    done = subprocess.run(
        arguments,
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(folder):
    """Paths of the sdist, and of the wheel that is built from it."""
    shutil.copytree(REPOSITORY, folder / "checkout", ignore=_made)
    run(sys.executable, "-c", SDIST.format(str(folder)), cwd=folder / "checkout")
    (sdist,) = folder.glob("*.tar.gz")
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", *offline, "--wheel-dir", str(folder), str(sdist), cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


def _made(folder, names):
    caches = fnmatch.filter(names, "*cache*") + fnmatch.filter(names, "*.egg-info")
    return {*caches, *(MADE if folder == str(REPOSITORY) else ())}
