"""Samples that are collated when they are needed, and picked before."""

import torch

from explaind.trees import batch_size, collated, is_uncollated, map_tensors, rows_of, take
from explaind.uncollated import Uncollated


def ends(items):
    """All numbers of all items, and where each item ends."""
    sizes = torch.tensor([len(item) for item in items])
    return {"numbers": torch.cat(items), "ends": sizes.cumsum(0)}


TREE = {"a": Uncollated([torch.arange(n) for n in (2, 3, 1)], ends)}


def test_samples_are_picked_as_rows_are():
    assert (batch_size(TREE), is_uncollated(TREE), is_uncollated(collated(TREE))) == (
        3,
        True,
        False,
    )
    few = collated(rows_of(TREE, 1, 5))["a"]
    assert (few["numbers"].tolist(), few["ends"].tolist()) == ([0, 1, 2, 0], [3, 4])
    again = collated(take(TREE, torch.tensor([2, 2, 0])))["a"]
    assert (again["numbers"].tolist(), again["ends"].tolist()) == ([0, 0, 0, 1], [1, 2, 4])
    assert len(rows_of(TREE, 3, 3)["a"]) == 0


def test_what_is_done_to_tensors_is_done_once_they_are_collated():
    doubled = map_tensors(lambda tensor: 2 * tensor, TREE)
    assert collated(rows_of(doubled, 0, 1))["a"]["ends"].tolist() == [4]
    assert collated(TREE)["a"]["ends"].tolist() == [2, 5, 6]
