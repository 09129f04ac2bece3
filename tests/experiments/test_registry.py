"""The list of experiments and pages, and what each of them declares."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

import explaind.experiments
from explaind.config.experiment import EncoderExperimentSettings
from explaind.experiments.registry import SPECS
from explaind.experiments.spec import Source

FOLDER = Path(explaind.experiments.__file__).parent
KINDS = sorted(SPECS)


def made(spec):
    """Settings of an experiment, about anything."""
    if issubclass(spec.settings, EncoderExperimentSettings):
        return spec.settings(encoders=("a", "b"))
    return spec.settings(run="a")


def test_every_folder_is_in_the_registry():
    assert sorted(path.parent.name for path in FOLDER.glob("*/__init__.py")) == KINDS


@pytest.mark.parametrize("module", ["explaind.experiments.registry", "explaind.config.load"])
def test_reading_what_there_is_needs_no_arrays(module):
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "numpy", "pandas", "xarray", "plotly"}.isdisjoint(done.stdout.split())


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_has_the_modules_of_what_it_declares(kind):
    spec = SPECS[kind]
    declared = {"compute": spec.computed, "tables": spec.shown, "page": spec.shown}
    for module, rule in declared.items():
        found = find_spec(f"explaind.experiments.{kind}.{module}") is not None
        assert found or not rule, module
    assert spec.computed or spec.shown


@pytest.mark.parametrize("kind", KINDS)
def test_a_declaration_fits_its_settings(kind):
    spec = SPECS[kind]
    settings = made(spec)
    assert settings.kind == spec.name == kind
    assert set(settings.only_rounding) <= set(spec.settings.model_fields)
    for key, other in spec.results.items():
        assert key in spec.settings.model_fields
        assert SPECS[other].computed
    reads = {
        *(spec.computed.reads if spec.computed else ()),
        *(spec.shown.reads if spec.shown else ()),
    }
    assert reads <= set(get_args(Source))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if SPECS[kind].computed])
def test_parts_are_the_same_experiment_asked_for_less(kind):
    computed, settings = SPECS[kind].computed, made(SPECS[kind])
    if computed.parts is None:
        return
    assert computed.suffix == "parquet"  # tables are put one below the other
    parts = computed.parts(settings)
    assert all(part.kind == kind and part != settings for part in parts.values())
    assert all(re.fullmatch(r"[\w.-]+", name) for name in parts)  # parts of file names
    assert all(list(computed.parts(part).values()) == [part] for part in parts.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_summary_is_one_sentence(kind):
    summary = SPECS[kind].summary
    assert summary[0].isupper()
    assert summary.endswith((".", "?"))
    assert ". " not in summary
