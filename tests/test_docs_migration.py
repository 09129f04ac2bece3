"""The names of the label-free scripts that docs/migration.md translates are there."""

import re

import pytest

from explaind.cli import app
from explaind.config.encoder import Encoder
from explaind.config.load import load_config
from explaind.experiments.example_consistency.settings import ExampleConsistencySettings
from tests.workflow.project import REPOSITORY

TEXT = (REPOSITORY / "docs" / "migration.md").read_text("utf-8").split("label-free study\n")[1]


@pytest.mark.parametrize("config", ["labelfree-paper.yaml", "labelfree-cpu.yaml"])
def test_every_experiment_is_there_and_of_its_command(config):
    loaded = load_config(REPOSITORY / "config" / config)
    found = re.findall(r"`([\w-]+)`, `(\w+_\w+)`", TEXT)
    assert len(found) == 14
    known = {command.name for command in app.registered_commands}
    for command, experiment in found:
        kind = command.replace("-", "_")
        assert command in known
        assert loaded.spec(experiment).name == kind
        for data in ("cifar10", "cifar100"):
            if experiment.startswith(("mnist_feature", "mnist_example", "mnist_pretext")):
                assert loaded.spec(experiment.replace("mnist", data)).name == kind


def test_every_key_is_there():
    sections = {"encoders": Encoder, "experiments": ExampleConsistencySettings}
    found = re.findall(r"`(\w+)\.\*\.(\w+)`", TEXT)
    assert len(found) == 9
    for section, key in found:
        assert key in sections[section].model_fields
    for file in re.findall(r"`(config/[\w-]+\.yaml)`", TEXT):
        assert (REPOSITORY / file).is_file()
