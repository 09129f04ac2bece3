"""The command `doctor`, of an import path and of a run of a config."""

import shutil

import pytest

from explaind.doctor.sources import imported_training
from explaind.errors import ConfigError
from tests.doctor import trainings
from tests.doctor.trainings import SAMPLES
from tests.workflow.project import Project

MODULE = "tests.doctor.trainings"


def test_a_function_by_its_import_path():
    training = imported_training(f"{MODULE}:build", {"samples": 3})
    assert (training.samples, training.steps) == (3, None)
    assert len(training.loader.dataset) == SAMPLES
    named = imported_training(f"{MODULE}:by_name", {})
    assert named.steps == 70


@pytest.mark.parametrize("reference", [f"{MODULE}:missing", "no_such_module:build", "", "a b:c"])
def test_a_function_that_is_not_there(reference):
    with pytest.raises(ConfigError, match=r"package\.module:function"):
        imported_training(reference, {})


def test_a_function_that_returns_something_else():
    with pytest.raises(ConfigError, match=r"nothing: expected .* got NoneType"):
        imported_training(f"{MODULE}:nothing", {})


def test_the_command(tmp_path):
    project = Project.create(tmp_path)
    shutil.copy(trainings.__file__, tmp_path / "mine.py")
    said = project.explaind("doctor", "mine:build", "--steps", "100")
    assert "100 steps take" in said
    assert "can be recorded and explained" in said
    assert "BatchNorm1d" in project.explaind("doctor", "mine:mixing", fails=True)
    assert "Expected either" in project.explaind("doctor", fails=True)
    config = ("--config", "config/tiny.yaml")
    project.explaind("prepare-dataset", *config, "--dataset", "modulo")
    said = project.explaind("doctor", *config, "--run", "grokking")
    assert "This training can be recorded and explained." in said
