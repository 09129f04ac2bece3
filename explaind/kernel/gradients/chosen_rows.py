"""Activations whose rows are no longer those of the samples, one after the other.

A model may choose rows of a batch by mask or number: tokens sent to an expert, sequences freed of
their padding. As many rows as samples, or a multiple, would then look like a batch, and a layer
rule would credit one sample with the gradient of another. So what such a choice gives is followed
until the rows are put back.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from explaind.trees import leaves

Call = Callable[..., Any]

CHOOSING: set[Call] = {Tensor.__getitem__, torch.index_select, Tensor.index_select}

PUTTING: set[Call] = {
    *(getattr(torch, name) for name in ("index_add", "index_copy", "index_put", "scatter_add")),
    *(getattr(torch, name) for name in ("scatter", "masked_scatter")),
    *(getattr(Tensor, name) for name in ("index_add", "index_copy", "index_put", "scatter_add")),
    *(getattr(Tensor, name) for name in ("index_add_", "index_copy_", "index_put_")),
    *(getattr(Tensor, name) for name in ("scatter", "scatter_", "scatter_add_")),
    *(getattr(Tensor, name) for name in ("masked_scatter", "masked_scatter_", "__setitem__")),
}
"""Calls that put rows into the first tensor that they are given; its rows are those that count."""


class ChosenRows:
    """Follows what was chosen among the rows of a batch, call by call.

    Args:
        batch: number of samples.
    """

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self._followed: dict[int, Tensor] = {}  # held, so that no other tensor gets its identity

    def among(self, func: Call, args: tuple[Any, ...]) -> bool:
        """Return whether a call's rows are not those of the samples.

        Args:
            func: what is called.
            args: its arguments.

        Returns:
            Whether a rule must leave it alone, and its output is to be followed.
        """
        if func in CHOOSING and self._chooses(func, args):
            return True
        if not self._followed:
            return False
        return self._any(args[:1] if func in PUTTING else args)

    def follow(self, output: Any) -> None:
        """Follow all tensors that a call gave."""
        for leaf in leaves(output):
            if isinstance(leaf, Tensor):
                self._followed[id(leaf)] = leaf

    def _any(self, values: Iterable[Any]) -> bool:
        return any(
            self._any(value) if isinstance(value, (tuple, list)) else id(value) in self._followed
            for value in values
        )

    def _chooses(self, func: Call, args: tuple[Any, ...]) -> bool:
        """Whether rows are chosen, other ones or another number of one sample than of the next."""
        source, index = args[0], args[-1]
        if func is Tensor.__getitem__:
            index = index[0] if isinstance(index, tuple) and index else index
        elif len(args) < 3 or args[1] != 0:
            return False
        if not isinstance(index, Tensor) or index.dim() == 0:
            return False
        table = source.is_floating_point() and not source.requires_grad
        if table and index.dtype != torch.bool:  # by position, say
            return False
        rows = index.nonzero()[:, 0] if index.dtype == torch.bool else index
        if len(source) % self._batch or rows.numel() % self._batch or not rows.numel():
            return True
        samples = rows.reshape(self._batch, -1) // (len(source) // self._batch)
        expected = torch.arange(self._batch, device=samples.device)[:, None]
        return not torch.equal(samples, expected.expand_as(samples))
