"""What a user's training is made of, typed once; the one module that knows torch's pytrees.

Inputs and targets of a user's model may be a tensor, a tuple, a dict or anything nested of these;
every leaf has the sample first, or is of samples that are collated when needed (`uncollated`).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.utils import _pytree

from explaind.uncollated import Uncollated

# `Any` where it is true: a user's model, loss and dataset, and the libraries between them, take and
# give objects of every type and agree among themselves on which. No other annotation is `Any`.

Tree = Any
"""Pytree of tensors and other leaves."""

Leaf = Any
"""One of its leaves: a tensor, `Uncollated`, or what the user's model alone knows."""

Inputs = Any
"""Pytree of tensors that the model takes, sample first."""

Targets = Any
"""Pytree of tensors that the loss takes beside the output, sample first."""

Outputs = Any
"""Pytree of tensors that the model returns."""

Data = Any
"""A dataset or a loader of any library, or a class of these; told by the attributes it has."""

Argument = Any
"""What another library hands on in calls of its own: torch to a function, a trainer to a callback;
told by its place or its name."""

LossFunction = Callable[[Outputs, Targets], Tensor]
"""`(model output, targets) -> per-sample losses`, shape `[batch]`."""

Penalty = Callable[[dict[str, Tensor]], Tensor]
"""`(parameters by name) -> scalar` added to the batch loss (an explicit regulariser)."""

Augmentation = Callable[[Inputs, Int[Tensor, " batch"], int], Inputs]
"""`(inputs, dataset indices, step) -> inputs as that step sees them`; the same arguments must give
the same result."""


Forward = Callable[[nn.Module, Inputs], Outputs]
"""`(model, inputs) -> outputs`: how a model is called."""


def call(model: nn.Module, x: Inputs) -> Outputs:
    """Return `model(x)`, the way in which a model is called unless told otherwise."""
    return model(x)


FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def measured_in(unit: str) -> Callable[[FunctionT], FunctionT]:
    """Return a decorator that gives a loss or a functional its `unit`; see `unit_of`."""

    def mark(function: FunctionT) -> FunctionT:
        function.unit = unit  # type: ignore[attr-defined]
        return function

    return mark


def unit_of(function: Callable[..., Any]) -> str:
    """Return the unit of a loss or a functional: its attribute `unit`, "1" (a number) without."""
    return str(getattr(function, "unit", "1"))


def leaves(tree: Tree) -> list[Leaf]:
    """Return the leaves of a tree, in order."""
    if isinstance(tree, Tensor):
        return [tree]
    return _pytree.tree_leaves(tree)


def named_leaves(name: str, tree: Tree) -> list[tuple[str, Leaf]]:
    """Return the leaves of a tree with their names, `x['ids']` of a dict called `x`."""
    found = _pytree.tree_flatten_with_path(tree)[0]
    return [(name + _pytree.keystr(path), leaf) for path, leaf in found]


def map_leaves(function: Callable[..., Any], tree: Tree) -> Tree:
    """Return the same tree with the function applied to every leaf."""
    if isinstance(tree, Tensor):  # mostly; the walk takes longer than a view of it
        return function(tree)
    return _pytree.tree_map(function, tree)


def replace_leaves(tree: Tree, values: list[Leaf]) -> Tree:
    """Return the same tree with other leaves, in the order of `leaves`."""
    return _pytree.tree_unflatten(values, _pytree.tree_structure(tree))


def on_device(tree: Tree, device: torch.device) -> Tree:
    """Return the same tree with its tensors on a device."""
    return map_tensors(lambda leaf: leaf.to(device), tree)


def map_tensors(function: Callable[[Tensor], Tensor], tree: Tree) -> Tree:
    """Return the same tree with the function applied to every tensor, once it is collated."""
    return map_leaves(partial(_map_tensor, function), tree)


def _map_tensor(function: Callable[[Tensor], Tensor], leaf: Leaf) -> Leaf:
    """Return the function of a leaf that is a tensor, or will be once collated; else the leaf."""
    if isinstance(leaf, Uncollated):
        return leaf.then(partial(map_tensors, function))
    return function(leaf) if isinstance(leaf, Tensor) else leaf


def collated(tree: Tree) -> Tree:
    """Return the same tree with all samples together, as a model takes them."""
    return map_leaves(lambda leaf: leaf.collated() if isinstance(leaf, Uncollated) else leaf, tree)


def is_uncollated(tree: Tree) -> bool:
    """Return whether a tree holds samples that are collated when needed."""
    return any(isinstance(leaf, Uncollated) for leaf in leaves(tree))


def copied(tree: Tree) -> Tree:
    """Return the same tree with copies of its tensors: a model may change its inputs in place."""
    return map_tensors(Tensor.clone, tree)


def detached(tree: Tree) -> Tree:
    """Return the same tree with its tensors, on the same memory, without their graphs."""
    return map_tensors(Tensor.detach, tree)


def batch_size(inputs: Inputs) -> int:
    """Return the number of samples, told by the inputs alone."""
    size: int = leaves(inputs)[0].shape[0]
    return size


def rows_of(tree: Tree, start: int, stop: int) -> Tree:
    """Return the samples `[start, stop)` of a batch."""
    return map_leaves(lambda leaf: leaf[start:stop], tree)


def take(tree: Tree, index: Tensor) -> Tree:
    """Return the samples of a batch with these indices, moved to where each leaf is."""
    return map_leaves(
        lambda leaf: leaf[index.to(leaf.device) if isinstance(leaf, Tensor) else index], tree
    )
