"""Experiments of the user's own: what is imported, and what is refused."""

import sys
from itertools import count

import pytest

from explaind.experiments.own import own_spec, spec_of
from explaind.experiments.registry import SPECS

GOOD = """
from explaind.experiments.spec import Spec
from explaind.experiments.pruning.settings import PruningSettings
SPEC = Spec("{name}", "A title", "A sentence.", PruningSettings)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A function that makes a module of some text, and names it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    own_spec.cache_clear()
    before = {*sys.modules}

    numbers = count()

    def made(text):
        name = f"own_experiment_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(text)
        return name

    yield made
    for name in {*sys.modules} - before:
        if name.startswith("own_experiment_"):
            del sys.modules[name]
    own_spec.cache_clear()


def test_kinds_of_the_registry_are_found_by_their_names():
    assert all(spec_of(kind) is spec for kind, spec in SPECS.items())


def test_a_package_of_ones_own_knows_its_folder(package):
    name = package(GOOD.format(name="average"))
    found = spec_of(name)
    assert (found.name, found.folder) == ("average", name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_module", "importing own_experiment_.* failed, .*no_such_module"),
        ("SPEC = 3", "expected SPEC in own_experiment_.*, a Spec of .*, got 3; define it"),
        ("", "got None; define it"),
        (GOOD.format(name="pruning"), "a word and not taken, got 'pruning'; rename it"),
        (GOOD.format(name="two words"), "a word and not taken, got 'two words'; rename it"),
    ],
)
def test_what_is_no_experiment_is_refused(text, message, package):
    with pytest.raises(ValueError, match=message):
        own_spec(package(text))
