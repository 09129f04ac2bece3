"""Every entry of the lists: explained as the oracle says, or refused; and the documented table."""

import re

import pytest
from torch.utils.checkpoint import DefaultDeviceType

from explaind.errors import RecordingError, UnsupportedError
from tests.support.batches import BATCHES
from tests.support.layers import LAYERS, TOKEN_LAYERS
from tests.support.loops import LOOPS
from tests.support.losses import LOSSES
from tests.support.optimizers import OPTIMIZERS
from tests.support.training import Case, assert_right, explained, oracle, recorded

CASES = {
    str(case): case
    for case in (
        *(Case(layers=(name,)) for name in LAYERS),
        *(Case(batches="token numbers", tokens=name) for name in TOKEN_LAYERS),
        *(Case(batches=name) for name in BATCHES),
        *(Case(losses=name) for name in LOSSES),
        *(Case(optimizers=name) for name in OPTIMIZERS),
        *(Case(loops=name, optimizers="`AdamW`") for name in LOOPS),
    )
}
EXPLAINED = [name for name, case in CASES.items() if not case.refusals]
REFUSED = [name for name, case in CASES.items() if case.refusals]


@pytest.fixture(autouse=True)
def _checkpoints_on_the_cpu(monkeypatch):
    """The default is any accelerator, and the simulated one of other tests knows no autocast."""
    monkeypatch.setattr(DefaultDeviceType, "_default_device_type", "cpu")


@pytest.mark.parametrize("name", EXPLAINED)
def test_it_is_explained_as_the_oracle_says(name, store):
    case = CASES[name]
    training = recorded(case, store)
    assert_right(explained(training, store), *oracle(case))


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_while_it_is_recorded(name, store):
    case = CASES[name]
    with pytest.raises((UnsupportedError, RecordingError)) as refusal:
        recorded(case, store)
    assert re.search("|".join(case.refusals), str(refusal.value), re.DOTALL)
