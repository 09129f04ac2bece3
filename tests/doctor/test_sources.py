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


WRONG = {
    "nothing": ("", "package.module:name"),
    "no function": (MODULE, "package.module:name"),
    "no module": ("no_such_module:build", "'no_such_module'"),
    "no name": ("a b:c", "package.module:name"),
    "a missing function": (f"{MODULE}:missing", "'missing' in .*trainings.py"),
    "no function but a number": (f"{MODULE}:SAMPLES", "got 10"),
    "arguments": (f"{MODULE}:needing", r"the arguments of .*needing\(size\), got none"),
    "an error of its own": (f"{MODULE}:failing", r"KeyError at .*trainings.py, line \d+"),
    "None": (f"{MODULE}:nothing", "got NoneType"),
    "another order": (f"{MODULE}:swapped", "expected model to be a Module, got AdamW"),
    "a dataset": (f"{MODULE}:of_dataset", "expected loader to be a DataLoader, got list"),
    "other names": (f"{MODULE}:misnamed", "mapping of some of .*'loader'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_training_is_said_in_words(case):
    reference, message = WRONG[case]
    with pytest.raises(ConfigError, match=message):
        imported_training(reference, {})


def test_the_command(tmp_path):
    project = Project.create(tmp_path)
    shutil.copy(trainings.__file__, tmp_path / "mine.py")
    said = project.explaind("doctor", "mine:build", "--steps", "100")
    assert "100 steps take" in said
    assert "can be recorded and explained" in said
    assert "BatchNorm1d" in project.explaind("doctor", "mine:mixing", fails=True)
    config = ("--config", "config/tiny.yaml")
    for sources in ((), ("mine:build", *config)):
        assert "Expected either" in project.explaind("doctor", *sources, fails=True)
    project.explaind("prepare-dataset", *config, "--dataset", "modulo")
    of_run = ("doctor", *config, "--run", "grokking", "--steps", "5", "--samples", "3")
    said = project.explaind(*of_run)
    assert "This training can be recorded and explained." in said
    assert "5 steps take" in said
    assert "3 samples take" in said
