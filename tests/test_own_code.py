"""Functions of the user's own: found, called, and told apart by their code."""

import sys

import pytest

from explaind import own_code
from explaind.errors import ConfigError
from tests.test_fingerprint import forget

MODULE = """
def build(width, depth=1):
    if depth < 1:
        raise ValueError("too flat")
    return [width] * depth

number = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """File of a module of one's own, found from a project directory."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    file = tmp_path / "own_models.py"
    file.write_text(MODULE)
    own_code.search_first(tmp_path)
    forget()
    yield file
    sys.modules.pop("own_models", None)
    forget()


def test_the_project_directory_is_searched_once(module):
    own_code.search_first(module.parent)
    assert sys.path.count(str(module.parent)) == 1


@pytest.mark.parametrize("reference", ["own_models:build", "torch.nn:Linear"])
def test_references_are_checked_without_an_import(module, reference):
    assert own_code.check_reference(reference) == reference
    assert "own_models" not in sys.modules


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("own_models", "package.module:name"),
        ("own models:build", "package.module:name"),
        ("own_models:build:more", "package.module:name"),
        ("own_modules:build", "'own_modules'"),
    ],
)
def test_wrong_references_are_refused(module, reference, said):
    with pytest.raises(ValueError, match=said):
        own_code.check_reference(reference)


def test_a_function_is_called_with_its_arguments(module):
    assert own_code.call("own_models:build", {"width": 2, "depth": 3}, "model.kind") == [2, 2, 2]


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("build", {}, r"model.kind: expected the arguments of .*\(width, depth=1\), got none"),
        ("build", {"widht": 2}, "got widht"),
        ("build", {"width": 2, "depth": 0}, "ValueError at .*own_models.py, line 4: too flat"),
        ("biuld", {}, "a function or class 'biuld' in .*own_models.py, got None"),
        ("number", {}, "got 3"),
    ],
)
def test_what_fails_is_said_with_key_file_and_line(module, name, arguments, said):
    with pytest.raises(ConfigError, match=said):
        own_code.call(f"own_models:{name}", arguments, "model.kind")


def test_a_module_that_fails_is_named_with_its_line(module):
    module.write_text("x = 1\nimport nothing_of_that_name\n")
    with pytest.raises(ConfigError, match=r"model.kind: .*own_models.py, line 2"):
        own_code.find("own_models:build", "model.kind")


def test_the_fingerprint_is_that_of_the_code(module):
    def fingerprint(text):
        module.write_text(text)
        forget()
        return own_code.reference_fingerprint("own_models:build")

    assert fingerprint(MODULE) == fingerprint(f"# a comment\n{MODULE}")
    assert fingerprint(MODULE) != fingerprint(MODULE.replace("= 3", "= 4"))
    module.with_name("own_layers.py").write_text("DEPTH = 1")
    imports = f"import torch\nfrom own_layers import DEPTH\n{MODULE}"
    before = fingerprint(imports)
    module.with_name("own_layers.py").write_text("DEPTH = 2")
    assert fingerprint(imports) != before


def test_what_is_installed_has_no_fingerprint(module):
    assert own_code.reference_fingerprint("torch.nn:Linear") == "installed"
