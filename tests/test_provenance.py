"""What this process says of itself."""

import platform
import re
import shutil
import subprocess

import torch

from explaind import provenance as module
from explaind.provenance import provenance


def test_versions_and_device_are_those_of_this_process():
    found = provenance(torch.device("cpu"))
    assert found["python"] == platform.python_version()
    assert found["torch"] == torch.__version__
    assert found["device"].startswith("cpu")


def git(folder, *arguments):
    names = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", "-C", str(folder), *names, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_that_of_the_checkout_it_runs_from(tmp_path, monkeypatch):
    package = tmp_path / "explaind"
    package.mkdir()
    (package / "provenance.py").touch()
    monkeypatch.setattr(module, "PACKAGE", package)
    assert provenance(torch.device("cpu"))["commit"] is None  # no repository
    git(tmp_path, "init")
    assert provenance(torch.device("cpu"))["commit"] is None  # installed below another one's
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "all")
    commit = provenance(torch.device("cpu"))["commit"]
    assert re.fullmatch("[0-9a-f]{12}", commit)
    assert git(tmp_path, "rev-parse", "HEAD").startswith(commit)
    (package / "provenance.py").write_text("edited")
    assert provenance(torch.device("cpu"))["commit"] == f"{commit}-dirty"


def test_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert shutil.which("git") is None
    assert provenance(torch.device("cpu"))["commit"] is None
