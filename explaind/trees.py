"""Batches given as any pytree of tensors: the one module around torch's private pytree functions.

Inputs and targets of a user's model may be a tensor, a tuple, a dict or anything nested of these;
every leaf has the sample first.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils import _pytree

Inputs = Any
"""Pytree of tensors that the model takes, sample first."""

Targets = Any
"""Pytree of tensors that the loss takes beside the output, sample first."""


def leaves(tree: Any) -> list[Any]:
    """The leaves of a tree, in order."""
    return _pytree.tree_leaves(tree)


def map_leaves(function: Callable[..., Any], tree: Any) -> Any:
    """The same tree with the function applied to every leaf."""
    return _pytree.tree_map(function, tree)


def replace_leaves(tree: Any, values: list[Any]) -> Any:
    """The same tree with other leaves, in the order of `leaves`."""
    return _pytree.tree_unflatten(values, _pytree.tree_structure(tree))


def batch_size(inputs: Inputs) -> int:
    """Number of samples, told by the inputs: targets may have another first dimension."""
    return len(leaves(inputs)[0])


def rows_of(tree: Any, start: int, stop: int) -> Any:
    """Samples `[start, stop)` of a batch."""
    return map_leaves(lambda leaf: leaf[start:stop], tree)


def take(tree: Any, index: Tensor) -> Any:
    """The samples of a batch with these indices, moved to where each leaf is."""
    return map_leaves(lambda leaf: leaf[index.to(leaf.device)], tree)
