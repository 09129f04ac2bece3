"""What each kept slice of an explanation costs. A new slice is one row here."""

from math import ceil, prod
from typing import NamedTuple

from explaind.kernel.plan.sizes import Sizes
from explaind.store import TARGET_CHUNK_BYTES


class Slice(NamedTuple):
    """Arrays of the same shape that are kept together.

    Attributes:
        arrays: how many.
        dims: their dimensions, as in `Sizes.lengths`.
        held: bytes held for each number while the steps are worked through.
        made: bytes made for each number at the end.
        stored: bytes of a stored number; 0 = as computed.
    """

    arrays: int
    dims: tuple[str, ...]
    held: int = 0
    made: int = 0
    stored: int = 0


SLICES = {
    "step": Slice(4, ("step", "query"), held=2, made=8, stored=8),
    "influence": Slice(1, ("query", "train"), made=12),
    "component": Slice(1, ("component", "query", "train"), held=8, made=4),
    "interval": Slice(1, ("interval", "component", "query", "train"), held=4),
    "step_component": Slice(2, ("step", "component", "query"), held=8, made=4),
    "absolute": Slice(1, ("step", "component", "query"), held=4),
}
"""The slices by name."""

ALWAYS = ("step", "influence", "step_component", "absolute")
"""Slices that are kept in any case."""


def kept(sizes: Sizes) -> dict[str, Slice]:
    """The slices that are kept."""
    return {name: row for name, row in SLICES.items() if name in {*ALWAYS, *sizes.keep}}


def numbers(row: Slice, sizes: Sizes, samples: int) -> int:
    """How many numbers a slice of these explained samples consists of."""
    lengths = sizes.lengths(samples)
    return row.arrays * prod(lengths[dim] for dim in row.dims)


def disk_bytes(row: Slice, sizes: Sizes, samples: int) -> int:
    """Bytes of a slice in a store."""
    return numbers(row, sizes, samples) * (row.stored or sizes.itemsize)


def disk_files(row: Slice, sizes: Sizes, samples: int) -> int:
    """Chunks of a slice in a store; each is a file."""
    array = disk_bytes(row, sizes, samples) // row.arrays
    return row.arrays * max(1, ceil(array / TARGET_CHUNK_BYTES))
