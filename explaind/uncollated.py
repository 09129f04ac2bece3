"""Samples of which a batch holds the rows one after the other: graphs, sets, sequences end to end.

No axis of such a batch is that of the samples, so it cannot be cut. Its samples are kept as items
of the dataset instead: some of them are picked, and collated when the model is to be called.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor


class Uncollated:
    """Inputs, or targets, of samples that are collated when they are needed; the leaf of a tree.

    Args:
        items: items of a dataset.
        collate: makes the tree of inputs, or of targets, of any of them.
    """

    def __init__(self, items: Sequence[Any], collate: Callable[[list[Any]], Any]) -> None:
        self._items, self._collate = items, collate

    def __len__(self) -> int:
        return len(self._items)

    @property
    def shape(self) -> tuple[int]:
        """The number of samples, as the first of the shape of a tensor of theirs."""
        return (len(self._items),)

    def __getitem__(self, rows: slice | Tensor) -> "Uncollated":
        """Return some of the samples, picked as rows of a tensor are.

        Args:
            rows: a slice, or their numbers.

        Returns:
            They, not collated.
        """
        picked = range(len(self._items))[rows] if isinstance(rows, slice) else rows.tolist()
        return Uncollated([self._items[i] for i in picked], self._collate)

    def then(self, function: Callable[[Any], Any]) -> "Uncollated":
        """Return the same samples with a function applied to what they are collated to."""
        return Uncollated(self._items, lambda items: function(self._collate(items)))

    def collated(self) -> object:
        """Return the tree of all these samples together."""
        return self._collate(list(self._items))
