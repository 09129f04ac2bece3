"""Errors that a user can fix."""

import inspect
from pathlib import Path

import pytest

from explaind import errors
from explaind.errors import ConfigError, DamagedStoreError, ExplaindError

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind is not Path]


@pytest.mark.parametrize("kind", ALL)
def test_each_can_be_caught_as_ours_and_as_the_builtin_it_specialises(kind):
    assert issubclass(kind, ExplaindError)
    builtins = [base for base in kind.__mro__ if base.__module__ == "builtins"]
    assert (builtins[0] is Exception) == (kind is ExplaindError)


def test_a_config_error_is_a_value_error_with_its_message():
    with pytest.raises(ValueError, match="expected a number"):
        raise ConfigError("expected a number")


def test_damage_knows_its_store():
    error = DamagedStoreError("a chunk is gone", Path("run.zarr"))
    assert (str(error), error.store) == ("a chunk is gone", Path("run.zarr"))
