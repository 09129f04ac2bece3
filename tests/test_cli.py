"""The command line."""

import subprocess
import sys

import pytest

import explaind
from explaind import cli
from explaind.paths import Paths


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["explaind", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code


def test_help_lists_every_subcommand(monkeypatch, capsys):
    assert call(monkeypatch, "--help") == 0
    shown = capsys.readouterr().out
    names = [command.callback.__name__.replace("_", "-") for command in cli.app.registered_commands]
    assert len(names) == 19
    assert [name for name in names if name not in shown] == []


def test_resolve_config_merges_its_files(monkeypatch, tmp_path):
    (tmp_path / "a.yaml").write_text("datasets: {modulo: {p: 7, seed: 3}}")
    (tmp_path / "b.yaml").write_text("datasets: {modulo: {p: 11}}")
    files = [option for name in "ab" for option in ("--config", str(tmp_path / f"{name}.yaml"))]

    assert call(monkeypatch, "resolve-config", *files, "--root", str(tmp_path)) == 0

    data = cli.load_config(Paths(tmp_path).config()).datasets["modulo"]
    assert (data.p, data.seed) == (11, 3)


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
    message = call(monkeypatch, "train", "--config", str(tmp_path / "a.yaml"), "--run", "groking")
    assert "--run: expected one of grokking, got 'groking'" in message


@pytest.mark.parametrize("module", ["explaind", "explaind.cli", "explaind.report.page"])
def test_torch_is_not_imported_before_it_is_needed(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_names_of_the_package_load_on_first_use():
    assert explaind.record.__module__.startswith("explaind.history")
    assert explaind.PathKernel.__module__.startswith("explaind.kernel")
    assert set(dir(explaind)) == set(explaind.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Kernel'"):
        _ = explaind.Kernel
