"""Entries of the lists, each in the simplest training; the documented tables.

Layers and optimizers are explained as a whole in `tests/fuzz`, which takes minutes.
"""

import re

import pytest

from explaind.errors import RecordingError, UnsupportedError
from explaind.kernel.checks.gradients import check_capture
from explaind.kernel.functionals import ModelFunction
from explaind.kernel.gradients.per_sample import PerSampleGradients
from tests.kernel.layers import layout_of
from tests.support.layers import BY_RULE, BY_VMAP, LAYERS, ONE_BY_ONE, TOKEN_LAYERS
from tests.support.table import documented, section
from tests.support.training import (
    CHECKPOINTED,
    EACH,
    Case,
    Training,
    assert_right,
    explained,
    oracle,
    recorded,
)

WAYS = (BY_RULE, BY_VMAP, ONE_BY_ONE)
REFUSED = [name for name, case in EACH.items() if case.refusals]
KINDS = {
    name: kind
    for name, kind in (LAYERS | TOKEN_LAYERS).items()
    if kind.way in WAYS and not kind.refused
}
RANDOM = [name for name, kind in LAYERS.items() if kind.random]
NOT_REPEATED = [case for case in CHECKPOINTED if not case.repeated]
BRIEF = [
    name
    for name, case in EACH.items()
    if re.search("^$|^batches=|^losses=|loops=", name) and not case.refusals
]


@pytest.mark.parametrize("name", BRIEF)
def test_it_is_explained_as_the_oracle_says(name, store):
    training = recorded(EACH[name], store)
    assert_right(explained(training, store), *oracle(EACH[name]))


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_while_it_is_recorded(name, store):
    with pytest.raises((UnsupportedError, RecordingError)) as refusal:
        recorded(EACH[name], store)
    assert re.search("|".join(EACH[name].refusals), str(refusal.value), re.DOTALL)


@pytest.mark.parametrize("name", RANDOM)
def test_random_numbers_are_drawn_again(name, store):
    """Those of each of the batches that make a step."""
    loop = "gradients of several batches add up"
    case = Case(layers=(name, "`nn.Linear`"), loops=loop, optimizers="`AdamW`")
    training = recorded(case, store)
    assert_right(explained(training, store), *oracle(case))


@pytest.mark.parametrize("case", NOT_REPEATED, ids=str)
def test_a_checkpointed_history_refuses_what_it_cannot_repeat(case, store):
    with pytest.raises((UnsupportedError, RecordingError), match=r"checkpointed history|every=1"):
        recorded(case, store)


@pytest.mark.parametrize("name", KINDS)
def test_its_gradients_are_had_in_the_way_that_the_table_says(name):
    case = Case(layers=(name,)) if name in LAYERS else Case(batches="token numbers", tokens=name)
    training = Training(case)
    layout, theta = layout_of(training.model)
    constants = dict(training.model.named_buffers())
    gradients = PerSampleGradients(
        ModelFunction(training.model, constants, case.loss.of_sample), layout
    )
    found = check_capture(gradients, theta, *training.batch((0, 1, 2)), linearised=True)
    if not found.batched:
        assert KINDS[name].way == ONE_BY_ONE
    else:
        assert KINDS[name].way == (BY_VMAP if found.names else BY_RULE)


def test_the_documented_tables_are_those_of_the_lists():
    assert documented().strip() == section().strip()
