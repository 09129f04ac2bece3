"""The command line."""

import re
import subprocess
import sys

import pytest
import typer

import explaind
from explaind import cli
from explaind.cli_help import WORKFLOW
from explaind.cli_options import check_known
from explaind.config.load import load_config
from explaind.errors import ConfigError
from explaind.experiments.registry import SPECS
from explaind.files import write_text
from explaind.paths import Paths

PANELS = (cli.BEFORE, cli.KERNEL, cli.EXPERIMENTS, cli.PAGES)


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["explaind", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code


def test_help_lists_every_subcommand(monkeypatch, capsys):
    assert call(monkeypatch, "--help") == 0
    shown = capsys.readouterr().out
    names = typer.main.get_command(cli.app).commands
    assert {"train", "train-encoder", "doctor", "page-labelfree"} <= {*names}
    assert [name for name in names if name not in shown] == []
    places = [shown.find(f"\n{panel}:\n") for panel in PANELS]
    assert places[0] > -1
    assert places == sorted(places)
    assert "Commands:" not in shown  # that of commands without a group
    assert " ".join(shown.split()).endswith(WORKFLOW)
    assert "in the checkout and in the sdist of explaind-paths, not in a wheel" in WORKFLOW


def test_a_name_that_the_config_does_not_define_is_refused_with_those_it_does():
    check_known("run", "b", {"a": 1, "b": 2})
    with pytest.raises(ConfigError, match="--run: expected one of a, b, got 'c'; define it under"):
        check_known("run", "c", {"b": 1, "a": 2})
    with pytest.raises(ConfigError, match="expected one of kind x: none, got 'c'; try d"):
        check_known("experiment", "c", (), kind="kind x: ", hint="try d")


def test_the_version_is_that_of_the_package(monkeypatch, capsys):
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"explaind {explaind.__version__}\n"


def test_with_a_log_everything_is_in_the_file(tmp_path):
    """An error, a message and what is printed; nothing of it on the terminal."""
    (tmp_path / "good.yaml").write_text("datasets: {modulo: {p: 7}}")
    (tmp_path / "bad.yaml").write_text("datasets: {modulo: {p: 1}}")
    for name, status in (("good", 0), ("bad", 1)):
        options = ("--log", f"logs/{name}.log", "resolve-config", "--config", f"{name}.yaml")
        command = [sys.executable, "-m", "explaind", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (status, "", "")
    good, bad = ((tmp_path / "logs" / f"{name}.log").read_text() for name in ("good", "bad"))
    size = Paths(tmp_path).config().stat().st_size
    assert re.search(rf"wrote results/config\.json: {size / 1000:.2f}kB in \d+\.\d s\n", good)
    assert re.search(r"took \d+\.\d s\n$", good)
    assert "error: 1 problem in the config (bad.yaml):" in bad


def test_commands_of_experiments_say_what_they_do(monkeypatch, capsys):
    assert call(monkeypatch, "page-pruning", "--help") == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    spec = SPECS["pruning"]
    assert f"Draw the page “{spec.title}”. {spec.summary}" in shown
    assert "[default: pruning]" in shown


def test_resolve_config_merges_its_files(monkeypatch, tmp_path):
    (tmp_path / "a.yaml").write_text("datasets: {modulo: {p: 7, seed: 3}}")
    (tmp_path / "b.yaml").write_text("datasets: {modulo: {p: 11}}")
    files = [option for name in "ab" for option in ("--config", str(tmp_path / f"{name}.yaml"))]

    assert call(monkeypatch, "resolve-config", *files, "--root", str(tmp_path)) == 0

    data = load_config(Paths(tmp_path).config()).datasets["modulo"]
    assert (data.p, data.seed) == (11, 3)


def test_the_defaults_of_the_project_lie_below_as_in_the_workflow(monkeypatch, tmp_path):
    write_text(tmp_path / "config" / "config.yaml", "datasets: {modulo: {p: 7, seed: 3}}")
    (tmp_path / "mine.yaml").write_text("datasets: {modulo: {p: 11}}")
    (tmp_path / "alone.yaml").write_text("defaults: false")
    mine = ("--config", str(tmp_path / "mine.yaml"), "--root", str(tmp_path))
    alone = ("--config", str(tmp_path / "alone.yaml"))

    for more, seed in (((), 3), (alone, 0)):
        assert call(monkeypatch, "resolve-config", *mine, *more) == 0
        data = load_config(Paths(tmp_path).config()).datasets["modulo"]
        assert (data.p, data.seed) == (11, seed)


def test_the_resolved_config_stands_alone(monkeypatch, tmp_path):
    """Whatever the defaults become, commands of a finished run read what it was made with."""
    write_text(tmp_path / "config" / "config.yaml", "datasets: {modulo: {p: 7}}")
    (tmp_path / "mine.yaml").write_text("")
    options = ("--root", str(tmp_path), "--config")
    assert call(monkeypatch, "resolve-config", *options, str(tmp_path / "mine.yaml")) == 0
    written = Paths(tmp_path).config()
    before = written.read_text()
    write_text(tmp_path / "config" / "config.yaml", "datasets: {other: {p: 5}}")
    assert call(monkeypatch, "resolve-config", *options, str(written)) == 0
    assert written.read_text() == before


def test_a_mistake_of_the_user_is_one_message(tmp_path):
    (tmp_path / "bad.yaml").write_text("datasets: {modulo: {p: 1}}")
    command = [sys.executable, "-m", "explaind", "resolve-config", "--config", "bad.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: 1 problem in the config (bad.yaml):")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_an_unknown_run_is_named(monkeypatch, tmp_path):
    (tmp_path / "a.yaml").write_text("")
    options = ("--config", str(tmp_path / "a.yaml"), "--root", str(tmp_path))
    message = call(monkeypatch, "train", *options, "--run", "groking")
    assert "--run: expected one of grokking, got 'groking'" in message


def test_an_experiment_of_another_kind_is_refused(monkeypatch, tmp_path):
    (tmp_path / "a.yaml").write_text("experiments: {mine: {kind: training, run: grokking}}")
    options = ("--config", str(tmp_path / "a.yaml"), "--root", str(tmp_path))
    for command in ("pruning", "page-pruning"):
        message = call(monkeypatch, command, *options, "--experiment", "mine")
        assert "--experiment: expected one of kind pruning: none, got 'mine'" in message


def test_an_unknown_part_is_named(monkeypatch, tmp_path):
    (tmp_path / "a.yaml").write_text("experiments: {retrain: {run: grokking, sources: [0.5]}}")
    options = ("--config", str(tmp_path / "a.yaml"), "--root", str(tmp_path))
    message = call(monkeypatch, "retrain-part", *options, "--part", "source-1.0")
    assert "--part: expected one of source-0.5, got 'source-1.0'" in message
    assert message.endswith("they follow from experiments.retrain")


@pytest.mark.parametrize("module", ["explaind", "explaind.cli", "explaind.experiments.drawing"])
def test_torch_is_not_imported_before_it_is_needed(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


SLOW = {"torch", "rich", "numpy", "pandas", "xarray", "plotly", "asyncio", "explaind.config.schema"}
"""What `explaind --help` has no need of."""


def test_pages_and_datasets_are_made_without_libraries_that_take_long_to_import():
    modules = "explaind.experiments.drawing, explaind.pipeline.prepare"
    slow = {"scipy.stats", "sklearn"}  # only some pages, and the digits, need them
    code = f"import sys, {modules}; sys.exit(str({slow} & set(sys.modules) or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.stderr.strip()


def test_help_waits_for_nothing_that_it_does_not_need():
    code = f"import sys, explaind.cli; sys.exit(str({SLOW} & set(sys.modules) or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.stderr.strip()


def test_names_of_the_package_load_on_first_use():
    assert explaind.record.__module__.startswith("explaind.history")
    assert explaind.PathKernel.__module__.startswith("explaind.kernel")
    assert set(dir(explaind)) == set(explaind.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Kernel'"):
        _ = explaind.Kernel
