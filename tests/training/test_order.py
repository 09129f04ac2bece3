"""The order of the samples."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explaind.errors import ConfigError
from explaind.training.order import batches_from, epoch_order


@given(samples=st.integers(1, 30), size=st.integers(1, 30), seed=st.integers(0, 5))
def test_each_epoch_holds_each_sample_once(samples, size, seed):
    size = min(size, samples)
    x = torch.arange(samples)
    per_epoch = -(-samples // size)
    drawn = list(islice(batches_from(0, x, 2 * x, size, seed), 2 * per_epoch))
    for epoch in (drawn[:per_epoch], drawn[per_epoch:]):
        seen = Counter(i for batch in epoch for i in batch.index.tolist())
        assert seen == Counter(range(samples))
    assert all(torch.equal(batch.x, batch.index) for batch in drawn)
    assert all(torch.equal(batch.y, 2 * batch.index) for batch in drawn)


@given(start=st.integers(0, 20))
def test_batches_from_a_later_step_are_those_of_the_whole_run(start):
    x = torch.arange(10)
    whole = list(islice(batches_from(0, x, x, 4, 7), 30))
    later = list(islice(batches_from(start, x, x, 4, 7), 30 - start))
    assert all(torch.equal(a.index, b.index) for a, b in zip(whole[start:], later, strict=True))


def test_epochs_and_seeds_differ():
    orders = {tuple(epoch_order(20, seed, epoch)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


@given(removed=st.sets(st.integers(0, 9), max_size=3))
def test_removed_samples_are_missing_in_their_batches_and_the_others_stay(removed):
    x = torch.arange(10)
    whole = islice(batches_from(0, x, x, 5, 7), 6)
    for full, left in zip(whole, batches_from(0, x, x, 5, 7, removed), strict=False):
        assert left.index.tolist() == [i for i in full.index.tolist() if i not in removed]


def test_a_batch_without_samples_names_its_step():
    x = torch.arange(5)
    last = int(epoch_order(5, 7, 0)[-1])  # alone in the second batch of four
    batches = batches_from(0, x, x, 4, 7, [last])
    next(batches)
    with pytest.raises(ConfigError, match=r"batch of step 1 has no samples left of 1"):
        next(batches)


def test_groups_take_turns():
    """Every batch of as many samples as groups has one of each; an epoch is still a permutation."""
    for epoch in range(2):
        order = epoch_order(15, 7, epoch, groups=3)
        assert sorted(order) == list(range(15))
        assert (order.reshape(5, 3) % 3 == [0, 1, 2]).all()
    assert not np.array_equal(epoch_order(15, 7, 0, 3), epoch_order(15, 7, 1, 3))
    x = torch.arange(15)
    drawn = islice(batches_from(0, x, x, 3, 7, groups=3), 10)
    assert all((batch.index % 3).tolist() == [0, 1, 2] for batch in drawn)
