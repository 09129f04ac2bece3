"""Batches given as any pytree of tensors."""

import torch

from explaind.kernel.samples import blocks_of
from explaind.trees import (
    batch_size,
    leaves,
    map_leaves,
    measured_in,
    replace_leaves,
    rows_of,
    take,
    unit_of,
)

TREE = {"a": torch.arange(6).reshape(3, 2), "b": (torch.arange(3), [torch.arange(3) * 10])}


def test_leaves_are_in_one_order_and_can_be_replaced():
    doubled = replace_leaves(TREE, [2 * leaf for leaf in leaves(TREE)])
    assert doubled["b"][1][0].tolist() == [0, 20, 40]
    assert all(map(torch.equal, leaves(doubled), leaves(map_leaves(lambda leaf: 2 * leaf, TREE))))
    assert isinstance(doubled["b"], tuple)
    assert isinstance(doubled["b"][1], list)


def test_a_tensor_is_a_tree_of_one_leaf():
    x = torch.ones(4, 2)
    assert batch_size(x) == 4
    assert torch.equal(rows_of(x, 1, 3), x[1:3])


def test_samples_are_cut_in_every_leaf():
    assert batch_size(TREE) == 3
    assert [len(leaf) for leaf in leaves(rows_of(TREE, 1, 3))] == [2, 2, 2]
    taken = take(TREE, torch.tensor([2, 0]))
    assert taken["a"].tolist() == [[4, 5], [0, 1]]
    assert taken["b"][1][0].tolist() == [20, 0]


def test_the_number_of_samples_is_told_by_the_inputs_alone():
    """Without targets there is no other leaf that could tell."""
    count, blocks = blocks_of(TREE, None, 2)
    inputs, targets = zip(*blocks, strict=True)
    assert (count, [batch_size(x) for x in inputs]) == (3, [2, 1])
    assert targets == ((), ())


def test_functions_carry_their_unit():
    @measured_in("m2")
    def squared(output, target):
        return (output - target).square()

    assert unit_of(squared) == "m2"
    assert unit_of(torch.sub) == "1"
