"""Activations whose rows are no longer those of the samples, one after the other.

A model may choose rows of a batch by mask or number: tokens sent to an expert, sequences freed of
their padding. As many rows as samples, or a multiple, would then look like a batch, and a layer
rule would credit one sample with the gradient of another. So what such a choice gives is followed
until the rows are put back.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explaind.trees import Inputs, leaves

Call = Callable[..., Any]

BY_NUMBER: set[Call] = {torch.index_select, Tensor.index_select}

PLACE_BY_PLACE: set[Call] = {
    *(torch.gather, Tensor.gather),
    *(torch.take_along_dim, Tensor.take_along_dim),
}
"""Calls that may choose another row for each number of a row."""

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
        inputs: what the model is called with.
    """

    def __init__(self, batch: int, inputs: Inputs) -> None:
        self._batch = batch
        # held, so that no other tensor gets their identity
        self._inputs = {id(x): x for x in leaves(inputs) if isinstance(x, Tensor)}
        self._followed: dict[int, Tensor] = {}

    def among(self, func: Call, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        """Return whether a call's rows are not those of the samples.

        Args:
            func: what is called.
            args: its arguments.
            kwargs: its arguments by name.

        Returns:
            Whether a rule must leave it alone, and its output is to be followed.
        """
        if self._chooses(func, args, kwargs):
            return True
        if not self._followed:
            return False
        return _any(args[:1] if func in PUTTING else (*args, *kwargs.values()), self._followed)

    def know(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Any) -> None:
        """Know what is computed from the inputs alone; a gradient tells of everything else."""
        without = [x for x in leaves(output) if isinstance(x, Tensor) and not x.requires_grad]
        if without and _any((*args, *kwargs.values()), self._inputs):
            self._inputs |= {id(tensor): tensor for tensor in without}

    def follow(self, output: Any) -> None:
        """Follow all tensors that a call gave."""
        for leaf in leaves(output):
            if isinstance(leaf, Tensor):
                self._followed[id(leaf)] = leaf

    def _chooses(self, func: Call, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        """Whether a call chooses among the rows, other than as many of each sample in order."""
        if func is Tensor.__getitem__:
            source, index = args
            return self._mixes(source, index[0] if isinstance(index, tuple) and index else index)
        if func not in BY_NUMBER | PLACE_BY_PLACE:
            return False
        source = kwargs["input"] if "input" in kwargs else args[0]
        last = func in {torch.take_along_dim, Tensor.take_along_dim}
        dim = kwargs["dim"] if "dim" in kwargs else args[2 if last else 1]
        if dim not in {0, -source.dim()}:
            return False
        if func in PLACE_BY_PLACE:
            return True
        return self._mixes(source, kwargs["index"] if "index" in kwargs else args[-1])

    def _mixes(self, source: Tensor, index: Any) -> bool:
        """Whether rows chosen by number or mask are other ones, or more, of one sample."""
        if isinstance(index, (list, np.ndarray)):
            index = torch.as_tensor(index, device=source.device)
        if not isinstance(index, Tensor) or index.dim() == 0:
            return False
        of_samples = source.requires_grad or id(source) in self._inputs
        if source.is_floating_point() and not of_samples and index.dtype != torch.bool:
            # a table, by position say
            return False
        rows = index.nonzero()[:, 0] if index.dtype == torch.bool else index
        if len(source) % self._batch or rows.numel() % self._batch or not rows.numel():
            return True
        samples = rows.reshape(self._batch, -1) // (len(source) // self._batch)
        expected = torch.arange(self._batch, device=samples.device)[:, None]
        return not torch.equal(samples, expected.expand_as(samples))


def _any(values: Iterable[Any], tensors: Mapping[int, Tensor]) -> bool:
    return any(
        _any(value, tensors) if isinstance(value, (tuple, list)) else id(value) in tensors
        for value in values
    )
