"""Samples as a user gives them, made tensors and checked before any work."""

import sys
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from explaind.errors import ConfigError
from explaind.history.batches import Collate, samples_of
from explaind.trees import (
    Data,
    Inputs,
    Targets,
    Tree,
    batch_size,
    collated,
    is_uncollated,
    map_leaves,
    named_leaves,
    rows_of,
)
from explaind.uncollated import Uncollated

NO_TARGETS: Targets = ()
"""What a functional is given where there are no targets: a tree without leaves."""


def given_samples(
    x: Inputs, targets: Targets, collate: Collate = default_collate, concatenated: bool = False
) -> tuple[Inputs, Targets]:
    """Return inputs and targets as tensors, sample first.

    Args:
        x: a tree of tensors or numpy arrays; or a `DataLoader` or a map-style dataset of `(x, y)`,
            and no targets.
        targets: a tree of tensors or arrays, or None.
        collate: makes a batch of items of a dataset; a loader has its own.
        concatenated: whether it puts the rows of the samples one after the other.

    Returns:
        Inputs and targets.

    Raises:
        ConfigError: if they are something else, differ in length, are empty or hold NaN.
    """
    if isinstance(x, (DataLoader, Dataset)):
        if targets is not None:
            raise ConfigError(f"targets: expected none with a {type(x).__name__}, which has them.")
        x, targets = _collected(x, collate, concatenated)
    elif concatenated and not is_uncollated(x):
        raise ConfigError(
            f"x: expected a dataset or a loader of single samples, got {type(x).__name__}: the"
            " batches of the training hold several rows of a sample, and cannot be cut."
        )
    x = as_tensors("x", x)
    targets = NO_TARGETS if targets is None else as_tensors("targets", targets)
    check_lengths(named_leaves("x", x) + named_leaves("targets", targets))
    for name, leaf in named_leaves("x", x):
        if isinstance(leaf, Tensor) and leaf.is_floating_point() and bool(leaf.isnan().any()):
            row = int(leaf.isnan().reshape(len(leaf), -1).any(1).nonzero()[0])
            raise ConfigError(f"{name} has NaN in sample {row}. Remove or fill it.")
    return x, targets


def check_like_training(x: Inputs, trained: Inputs) -> None:
    """Refuse inputs of another structure than those that were trained on.

    Args:
        x: inputs to explain.
        trained: inputs of a training sample, in a batch of its own.

    Raises:
        ConfigError: naming what differs. Lengths may: sequences are not all as long.
    """
    expected, given = (
        {name: leaf.dim() for name, leaf in named_leaves("x", collated(rows_of(tree, 0, 1)))}
        for tree in (trained, x)
    )
    if given != expected:
        raise ConfigError(
            "Expected inputs like those trained on, by name with their number of dimensions"
            f" {expected}, sample first, got {given}."
        )


def as_tensors(name: str, tree: Tree) -> Tree:
    """Return a tree with numpy arrays made tensors.

    Args:
        name: what it is called in messages.
        tree: tensors and arrays.

    Returns:
        The tree of tensors.

    Raises:
        ConfigError: for a leaf that is neither, or sparse.
    """
    for leaf_name, leaf in named_leaves(name, tree):
        if not isinstance(leaf, (Tensor, np.ndarray, Uncollated)):
            raise ConfigError(
                f"{leaf_name}: expected a tensor or a numpy array, sample first, got"
                f" {type(leaf).__name__}."
            )
        if isinstance(leaf, Tensor) and leaf.layout != torch.strided:
            raise ConfigError(f"{leaf_name}: expected a dense tensor, got {leaf.layout}.")
    return map_leaves(
        lambda leaf: torch.as_tensor(leaf) if isinstance(leaf, np.ndarray) else leaf, tree
    )


def check_lengths(named: list[tuple[str, Tensor | Uncollated]]) -> None:
    """Refuse leaves that do not have the same number of samples.

    Args:
        named: leaves with their names.

    Raises:
        ConfigError: naming two that differ, or one without samples.
    """
    for name, leaf in named:
        if isinstance(leaf, Tensor) and not leaf.dim():
            raise ConfigError(
                f"{name}: expected the sample as first dimension, got a single number."
            )
        if len(leaf) != len(named[0][1]):
            raise ConfigError(
                f"Expected as many samples in all inputs and targets, got {len(named[0][1])} in"
                f" {named[0][0]} and {len(leaf)} in {name}."
            )
    if not named or not len(named[0][1]):
        raise ConfigError("Expected at least one sample to explain, got none.")


def blocks_of(
    x: Inputs,
    targets: Targets,
    size: int,
    collate: Collate = default_collate,
    concatenated: bool = False,
) -> tuple[int, Iterator[tuple[Inputs, Targets]]]:
    """Return the samples a block at a time, read when they are asked for.

    Args:
        x: as for `given_samples`.
        targets: likewise.
        size: samples in a block.
        collate: likewise.
        concatenated: likewise.

    Returns:
        How many samples there are, and the blocks of inputs and targets.

    Raises:
        ConfigError: for a size below 1, no samples, or a dataset without positions.
    """
    if size < 1:
        raise ConfigError(f"together: expected at least 1 sample at a time, got {size}.")
    if not isinstance(x, (DataLoader, Dataset)):
        x, targets = given_samples(x, targets, collate, concatenated)
        count = batch_size(x)
        spans = ((start, start + size) for start in range(0, count, size))
        return count, ((rows_of(x, *span), rows_of(targets, *span)) for span in spans)
    if targets is not None:
        raise ConfigError(f"targets: expected none with a {type(x).__name__}, which has them.")
    dataset: Data = x.dataset if isinstance(x, DataLoader) else x
    if isinstance(dataset, IterableDataset):
        raise ConfigError(
            "x: expected a map-style dataset or a loader of one, whose samples can be counted, got"
            f" {type(dataset).__name__}, an iterable one."
        )
    order = list(x.sampler) if isinstance(x, DataLoader) else list(range(len(dataset)))
    if not order:
        raise ConfigError("Expected at least one sample to explain, got none.")
    make = _collate_of(x, collate)
    parts = (order[start : start + size] for start in range(0, len(order), size))
    return len(order), (samples_of([dataset[i] for i in p], make, concatenated) for p in parts)


def _collected(data: Data, collate: Collate, concatenated: bool) -> tuple[Inputs, Targets]:
    """Return all samples of a dataset, or of a loader in the order in which it draws them."""
    dataset: Data = data.dataset if isinstance(data, DataLoader) else data
    if isinstance(dataset, IterableDataset):
        return samples_of(list(dataset), _collate_of(data, collate), concatenated)
    return next(blocks_of(data, None, sys.maxsize, collate, concatenated)[1])


def _collate_of(data: Data, collate: Collate) -> Collate:
    return data.collate_fn if isinstance(data, DataLoader) else collate
