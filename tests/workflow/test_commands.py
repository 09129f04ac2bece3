"""The rules and the subcommands are the same thing."""

import json

import pytest

from explaind.cli import app
from explaind.paths import Paths, seal
from explaind.store import open_sealed


def test_each_rule_is_a_subcommand(project):
    rules = project.snakemake("--list-rules").splitlines()
    known = {rule for rule in rules if rule.isidentifier()} - {"all"}
    commands = {command.callback.__name__ for command in app.registered_commands}
    assert known >= {"train", "predict_epk"}
    assert known == commands - {"resolve_config", "plan"}  # see common.smk; prints a plan


def test_a_subcommand_by_hand_gives_the_result_of_the_rule(project):
    paths = Paths(project.root)
    config = ("--config", "config/config.yaml", "--config", "config/tiny.yaml")
    by_rule = open_sealed(paths.shard("grokking", "0-of-2")).load()
    summary = json.loads(paths.validation_summary("grokking").read_text())
    seal(paths.shard("grokking", "0-of-2")).unlink()
    paths.validation_summary("grokking").unlink()

    project.explaind(
        "predict-epk", *config, "--run", "grokking", "--shard", "0/2", "--threads", "1"
    )
    project.explaind("validate-epk", *config, "--run", "grokking", "--threads", "2")

    by_command = open_sealed(paths.shard("grokking", "0-of-2")).load()
    assert by_command.attrs.pop("measured").keys() == by_rule.attrs.pop("measured").keys()
    assert by_command.identical(by_rule)
    by_hand = json.loads(paths.validation_summary("grokking").read_text())
    assert by_hand == pytest.approx(summary, abs=1e-5)


def test_the_config_beside_the_results_is_complete(project):
    written = json.loads(Paths(project.root).config().read_text())
    assert written["datasets"]["modulo"]["p"] == 11  # tiny.yaml
    assert written["runs"]["grokking"]["training"]["optimizer"]["eps"] == 1e-8  # a default
