"""Activations whose rows are no longer those of the samples, one after the other.

A model may choose rows of a batch by value: tokens sent to an expert, sequences sorted by length or
freed of their padding. As many rows as samples, or a multiple, would then look like a batch, and a
layer rule would credit one sample with the gradient of another. Where a model does what may choose,
it is looked at in every batch whether it did: with a weight of its own for each sample, a gradient
that comes back to a row must be multiplied by the weight of the sample that the row is taken for.
That is a backward pass more, a fifth to a quarter of the explanation of a small model that indexes
by tensors. Which rows are chosen may differ from batch to batch, so no batch is spared it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge
from torch.nn import functional

from explaind.kernel.gradients.rule import Call

MIXED_TOLERANCE = 1e-3
"""Largest relative difference of a gradient from its share, by row."""

ROUNDING = 64
"""Roundings, of the largest row, within which a row may be off."""

ORDERED = ("sort", "argsort", "msort", "topk", "kthvalue", "argmax", "argmin", "nonzero", "unique")
"""Functions whose results are numbers of rows, or rows in order."""

CHOSEN = ("gather", "take", "take_along_dim", "index_select", "masked_select")
"""Functions that choose by number or mask."""

READ = ("item", "tolist", "numpy", "__array__", "__bool__", "__int__", "__index__", "__float__")
"""Methods by which Python comes to know a value, and may go another way."""

CHOOSING: set[Call] = {
    *(getattr(torch, name) for name in ORDERED + CHOSEN),
    *(getattr(Tensor, name) for name in (*ORDERED, *CHOSEN, *READ)),
}

INDEXING: set[Call] = {Tensor.__getitem__, Tensor.__setitem__}


def may_choose(func: Call, args: Sequence[Any], names: set[str]) -> bool:
    """Return whether a call may lead to other rows than those of the samples in order.

    Args:
        func: what is called.
        args: its arguments.
        names: the parameters among them; their rows are those of no sample.

    Returns:
        Whether it may.
    """
    if func is functional.embedding:
        return not names
    if func in INDEXING:
        index = args[1] if isinstance(args[1], tuple) else args[1:2]
        return any(isinstance(part, (Tensor, list, np.ndarray)) for part in index)
    return func in CHOOSING


def mixed(
    h: Tensor, edges: Sequence[GradientEdge], deltas: Sequence[Tensor | None], weight: float
) -> list[bool]:
    """Find the places whose rows are not those of the samples.

    Args:
        h: values of the differentiated function, `[batch]` or `[batch, output]`; its graph is kept.
        edges: places in the graph.
        deltas: gradients of `weight sum_batch h` there, `[output, batch, ...]`; None where it does
            not depend on them.
        weight: factor of the function.

    Returns:
        For each place, whether a row has a part in another sample than its own.
    """
    shares = torch.rand(len(h), generator=torch.Generator().manual_seed(0)).to(h) + 0.5
    total = (weight * shares * h.reshape(len(h), -1).sum(1)).sum()
    found = torch.autograd.grad(total, list(edges), retain_graph=True, allow_unused=True)
    pairs = zip(found, deltas, strict=True)
    return [d is not None and g is not None and _differs(g, d.sum(0), shares) for g, d in pairs]


def _differs(found: Tensor, delta: Tensor, shares: Tensor) -> bool:
    expected = delta.flatten(1) * shares[:, None]
    scale, error = expected.norm(dim=1), (found.flatten(1) - expected).norm(dim=1)
    rounding = ROUNDING * torch.finfo(delta.dtype).eps * scale.max()
    return bool((error > MIXED_TOLERANCE * scale + rounding).any())
