"""The rules and the subcommands are the same thing."""

import json
import os
import re

import pytest
import typer

from explaind.cli import app
from explaind.experiments.registry import SPECS
from explaind.paths import Paths, seal
from explaind.store import open_sealed
from tests.workflow.project import TINY


def test_each_rule_is_a_subcommand(project):
    rules = project.snakemake("--list-rules")
    described = dict(re.findall(r"^(\w+) \((.+)\)$", rules, flags=re.MULTILINE))
    commands = {name.replace("-", "_") for name in typer.main.get_command(app).commands}
    assert described.keys() >= {"train", "predict_epk", "pruning", "page_pruning"}
    assert described["all"] == "Everything of the configured runs."
    no_rules = {"resolve_config", "plan", "doctor", "experiment", "experiment_part", "page"}
    assert described.keys() - {"all"} == commands - no_rules  # see common.smk
    for kind, spec in SPECS.items():
        assert described.get(kind) == (spec.summary if spec.computed else None)


def test_a_config_that_stands_alone_runs_only_what_it_names(project):
    alone = "defaults: false\nruns: {mine: {dataset: modulo, training: {max_steps: 3}}}\n"
    (project.root / "mine.yaml").write_text(alone)
    arguments = ("--dry-run", "--cores", "1", "--configfile", "mine.yaml", "--", "all")
    output = project.call("snakemake", *arguments)
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE))
    assert jobs["train"] == jobs["report"] == "1"
    assert not [name for name in jobs if name.startswith("page_") or name in SPECS]


def test_a_mistake_in_a_file_is_named_with_the_file(project):
    (project.root / "mine.yaml").write_text("runs: {grokking: {epk: {intervls: 3}}}")
    options = ("--configfile", "config/tiny.yaml", "mine.yaml", "--", "all")
    message = project.snakemake(*options, fails=True)
    assert "1 problem in the config (config/config.yaml, config/tiny.yaml, mine.yaml)" in message
    assert "did you mean 'intervals'?" in message
    assert "(mine.yaml)\n" in message


def test_a_subcommand_by_hand_gives_the_result_of_the_rule(project):
    paths = Paths(project.root)
    config = ("--config", "config/tiny.yaml")  # over config/config.yaml, as in the workflow
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


def test_a_user_who_has_not_activated_the_environment(project, monkeypatch):
    """In processes of their own, which nobody has forked and handed an `explaind`."""
    monkeypatch.setenv("PATH", os.defpath)
    page = Paths(project.root).figure("training")
    page.unlink()
    options = ("--cores", "1", "--", page.relative_to(project.root))
    done = project.python("-m", "snakemake", *TINY, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert page.is_file()


def test_the_terminal_of_a_long_job_shows_how_far_it_is(project):
    project.replace(
        "explaind/log.py", "SECONDS_BETWEEN_LINES = 30.0", "SECONDS_BETWEEN_LINES = -1.0"
    )
    written = project.snakemake(
        "--forcerun", "validate_epk", "--until", "validate_epk", "--", "all"
    )
    line = r"reformulate: 15 of 30, 50%, \d\d:\d\d left\n"
    assert re.search(rf"^validate_epk/grokking {line}", written, flags=re.MULTILINE)
    log = (project.root / "logs" / "validate_epk" / "grokking.log").read_text()
    assert re.search(line, log)
    assert "wrote results/grokking/validation.json" in log
    assert "wrote results/grokking/validation.json" not in written


def test_the_config_beside_the_results_is_complete(project):
    written = json.loads(Paths(project.root).config().read_text())
    assert written["datasets"]["modulo"]["p"] == 11  # tiny.yaml
    assert written["runs"]["grokking"]["training"]["optimizer"]["eps"] == 1e-8  # a default
