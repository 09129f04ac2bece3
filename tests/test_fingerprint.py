"""Fingerprints of library code, on a small package."""

import ast
import json
import sys
from pathlib import Path

import pytest

from explaind import fingerprint

SOURCES = {
    "__init__.py": "__version__ = '1'",
    "a.py": '"""Docs."""\ndef f():\n  """More."""\n  from explaind.inner import b\n  return b.X\n',
    "inner/__init__.py": "",
    "inner/b.py": "from .c import Y\n\nX = Y  # a comment\n",
    "inner/c.py": "Y = 1\n",
    "inner/unused.py": "Z = 1\n",
    "config/__init__.py": "import explaind.inner.unused\n",
    "log.py": "L = 1\n",
    "logs.py": "L = 1\n",
    "report/__init__.py": "",
    "report/page.py": "P = 1\n",
    "report/style.css": "body {}",
    "report/templates/page.html": "<p>",
    "report/plots/__init__.py": "",
    "report/plots/note.txt": "a note",
    "experiments/__init__.py": "",
    "experiments/job.py": "import explaind.config\n",
    "experiments/registry.py": "from explaind.experiments.swap import SPEC\n",
    "experiments/spec.py": "S = 1\n",
    "experiments/swap/__init__.py": "import explaind.experiments.spec\nSPEC = 'a title'\n",
    "experiments/swap/settings.py": "import explaind.inner.unused\n",
    "experiments/swap/compute.py": "import explaind.experiments.swap.settings\nimport explaind.a\n",
    "experiments/swap/page.py": "import explaind.report.page\n",
    "experiments/swap/answer.html": "<p>",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


CACHED = (
    "code_fingerprint",
    "_read",
    "_kept",
    "_imports",
    "_source",
    "_own_folder",
    "_other_files",
)


def forget():
    """The functions remember what they have read, for the life of the process."""
    for name in CACHED:
        getattr(fingerprint, name).cache_clear()


def after(package, file, text, *modules):
    (package / file).parent.mkdir(exist_ok=True)
    (package / file).write_text(text)
    forget()
    return fingerprint.code_fingerprint(*(modules or ["explaind.a"]))


def test_closure_follows_imports_in_functions_relative_imports_and_parents(package):
    expected = {"explaind.a", "explaind.inner", "explaind.inner.b", "explaind.inner.c"}
    assert fingerprint.import_closure("explaind.a") == expected
    assert fingerprint.import_closure("explaind.inner.b") == expected - {"explaind.a"}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.py", SOURCES["a.py"].replace("b.X", "b.X + 1")),
        ("inner/b.py", SOURCES["inner/b.py"].replace("X = Y", "X = -Y")),
        ("inner/c.py", "Y = 2\n"),
        ("inner/__init__.py", "NEW = 1\n"),
        ("inner/c.py", "import explaind.logs\nY = 1\n"),
    ],
)
def test_changed_code_changes_the_fingerprint(package, file, text):
    before = fingerprint.code_fingerprint("explaind.a")
    assert after(package, file, text) != before


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.py", SOURCES["a.py"].replace("Docs.", "Other docs.").replace("More.", "Less.")),
        ("inner/b.py", SOURCES["inner/b.py"].replace("# a comment", "# another") + "\n\n"),
        ("inner/unused.py", "Z = 2\n"),
        ("__init__.py", "__version__ = '2'"),
    ],
)
def test_what_cannot_change_a_result_does_not_change_the_fingerprint(package, file, text):
    before = fingerprint.code_fingerprint("explaind.a")
    assert after(package, file, text) == before


def test_config_and_log_are_not_tracked(package):
    (package / "inner" / "c.py").write_text("import explaind.config\nimport explaind.log\nY = 1\n")
    closure = fingerprint.import_closure("explaind.a")
    assert not {"explaind.config", "explaind.log", "explaind.inner.unused"} & closure


COMPUTED = ("explaind.experiments.job", "explaind.experiments.swap.compute")
DRAWN = ("explaind.experiments.job", "explaind.experiments.swap.page")


def test_closure_of_several_modules_leaves_out_what_an_experiment_declares(package):
    closure = fingerprint.import_closure(*COMPUTED)
    assert closure >= {*COMPUTED, "explaind.a", "explaind.inner.c", "explaind.experiments"}
    assert "explaind.experiments.swap.settings" not in closure
    assert "explaind.experiments.spec" not in closure
    assert "explaind.inner.unused" not in closure  # imported by the settings only


@pytest.mark.parametrize(
    ("file", "modules", "changes"),
    [
        ("experiments/job.py", COMPUTED, True),
        ("experiments/swap/compute.py", COMPUTED, True),
        ("inner/c.py", COMPUTED, True),
        ("experiments/swap/page.py", COMPUTED, False),
        ("experiments/swap/__init__.py", COMPUTED, False),
        ("experiments/swap/settings.py", COMPUTED, False),
        ("experiments/registry.py", COMPUTED, False),
        ("report/style.css", COMPUTED, False),
        ("report/style.css", DRAWN, True),
        ("report/templates/page.html", DRAWN, True),
        ("report/templates/new.html", DRAWN, True),
        ("report/templates/deep/new.html", DRAWN, True),
        ("report/templates/.new.html.swp", DRAWN, False),
        ("report/plots/note.txt", DRAWN, False),  # a package that is not imported
        ("experiments/swap/answer.html", DRAWN, True),
        ("experiments/swap/__init__.py", DRAWN, False),
    ],
)
def test_files_behind_a_rule_of_an_experiment(package, file, modules, changes):
    before = fingerprint.code_fingerprint(*modules)
    assert (after(package, file, "CHANGED = 1\n", *modules) != before) == changes


def test_caches_of_python_do_not_count(package):
    before = fingerprint.code_fingerprint(*DRAWN)
    assert after(package, "report/__pycache__/page.pyc", "code", *DRAWN) == before


def kept(package):
    (file,) = (package / "__pycache__").glob("fingerprint.*.json")
    return file


def test_a_module_is_read_again_only_if_it_has_changed(package, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    before = fingerprint.code_fingerprint(*DRAWN, "explaind.a")
    parsed = []
    monkeypatch.setattr(
        ast, "parse", lambda text, file, parse=ast.parse: parsed.append(file.name) or parse(text)
    )
    assert after(package, "a.py", SOURCES["a.py"], *DRAWN, "explaind.a") == before
    assert parsed == []
    assert after(package, "a.py", "A = 2\n", *DRAWN, "explaind.a") != before
    assert parsed == ["a.py"]
    assert after(package, "a.py", SOURCES["a.py"], *DRAWN, "explaind.a") == before


@pytest.mark.parametrize("content", ["", "[]", '{"explaind.a": 1}', '{"explaind.a": ["x", "y"]}'])
def test_what_was_kept_and_cannot_be_used_is_made_again(package, content, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    before = fingerprint.code_fingerprint("explaind.a")
    kept(package).write_text(content)
    assert after(package, "a.py", SOURCES["a.py"]) == before
    assert "explaind.inner.c" in json.loads(kept(package).read_text())


def test_nothing_is_kept_where_python_keeps_nothing(package, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    fingerprint.code_fingerprint("explaind.a")
    assert not (package / "__pycache__").exists()


def test_an_unknown_module_is_an_error(package):
    with pytest.raises(ModuleNotFoundError, match=r"explaind\.nothing"):
        fingerprint.code_fingerprint("explaind.nothing")


def test_library_imports_only_the_version_from_the_root():
    """Names of the root load on first use, where the fingerprint cannot follow them."""
    files = list(Path(fingerprint.__file__).parent.rglob("*.py"))
    found = {
        (file.name, alias.name)
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "explaind"
        for alias in node.names
    }
    modules = {file.stem for file in files} | {file.parent.name for file in files}
    assert len(files) > 20
    assert {name for _, name in found} - modules <= {"__version__"}
