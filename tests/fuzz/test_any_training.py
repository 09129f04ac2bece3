"""Trainings put together at random: each is explained as the oracle says, or refused by name.

The same 50 each time, so that what fails can be looked into; `EXPLAIND_FUZZ_CASES` makes so many
new ones, `--hypothesis-seed` sets which.
"""

import os
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from explaind.errors import ConfigError, RecordingError, UnsupportedError
from explaind.kernel.query.quadrature import Quadrature
from tests.support.batches import BATCHES
from tests.support.layers import LAYERS, TOKEN_LAYERS
from tests.support.loops import LOOPS
from tests.support.losses import LOSSES
from tests.support.optimizers import OPTIMIZERS
from tests.support.training import (
    CHECKPOINTED,
    EACH,
    Case,
    assert_right,
    explained,
    oracle,
    recorded,
)

CASES = os.environ.get("EXPLAIND_FUZZ_CASES")
ONE_IN = 20
"""One of so many kinds drawn may be a refused one: most trainings shall be explained."""


def drawn_from(kinds):
    """Names of a list, seldom one that is refused."""
    good = [name for name, kind in kinds.items() if not kind.refused]
    bad = [name for name, kind in kinds.items() if kind.refused]
    if not bad:
        return st.sampled_from(good)
    return st.integers(1, ONE_IN).flatmap(lambda n: st.sampled_from(bad if n == ONE_IN else good))


CASE = st.builds(
    Case,
    layers=st.lists(drawn_from(LAYERS), min_size=1, max_size=3).map(tuple),
    passes=st.sampled_from([1, 1, 1, 2]),
    tokens=drawn_from(TOKEN_LAYERS),
    batches=st.sampled_from(list(BATCHES)),
    losses=drawn_from(LOSSES),
    optimizers=drawn_from(OPTIMIZERS),
    loops=drawn_from(LOOPS),
    every=st.sampled_from([1, 1, 1, 2]),
    seed=st.integers(0, 999),
)


WHOLE = [
    case
    for name, case in EACH.items()
    if re.match("layers=|tokens=|optimizers=", name) and "loops=" not in name
    if not case.refusals
]
REPEATED = [case for case in CHECKPOINTED if case.repeated]


@given(case=CASE)
@settings(
    max_examples=int(CASES or 50),
    derandomize=not CASES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_training_is_explained_or_refused(case):
    assume(case.possible)
    note(str(case))
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "run.zarr"
        if case.refusals:
            with pytest.raises((ConfigError, RecordingError, UnsupportedError)) as refusal:
                recorded(case, store)
            assert re.search("|".join(case.refusals), str(refusal.value), re.DOTALL), refusal.value
            return
        training = recorded(case, store)
        assert_right(explained(training, store), *oracle(case))
        as_by_default = explained(training, store, Quadrature())
        assert np.isfinite(as_by_default.influence).all()


@pytest.mark.parametrize("case", WHOLE + REPEATED, ids=str)
def test_each_alone(case, tmp_path):
    training = recorded(case, tmp_path / "run.zarr")
    assert_right(explained(training, tmp_path / "run.zarr"), *oracle(case))
