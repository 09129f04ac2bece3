"""What each kept slice of an explanation costs. A new slice is one row here."""

from math import ceil, prod
from typing import NamedTuple

from explaind.plan.sizes import Sizes
from explaind.store import TARGET_CHUNK_BYTES


class Slice(NamedTuple):
    """Arrays of the same shape that are kept together.

    Attributes:
        arrays: how many.
        dims: their dimensions, as in `Sizes.lengths`.
        held: bytes held for each number while the steps are worked through (`sums` not counted).
        made: bytes made for each number at the end.
        stored: bytes of a stored number; 0 = as computed.
    """

    arrays: int
    dims: tuple[str, ...]
    held: int = 0
    made: int = 0
    stored: int = 0


SLICES = {
    "step": Slice(4, ("step", "query"), held=6, made=4, stored=8),  # kept in any case
    "influence": Slice(1, ("query", "train"), made=12),
    "component": Slice(1, ("component", "query", "train"), made=4),
    "interval": Slice(1, ("interval", "component", "query", "train"), held=4),
    "parameter": Slice(2, ("interval", "query", "param"), held=4),
    "step_component": Slice(2, ("step", "component", "query"), held=4),
    "absolute": Slice(1, ("step", "component", "query"), held=4),
    "top": Slice(4, ("query", "rank"), made=6, stored=6),  # indices and influences
    "top_component": Slice(4, ("component", "query", "rank"), made=6, stored=6),
}
"""The slices by name."""


def kept(sizes: Sizes) -> dict[str, Slice]:
    """The slices that are kept."""
    return {name: row for name, row in SLICES.items() if name in {"step", *sizes.keep}}


def sums(sizes: Sizes, samples: int) -> int:
    """Numbers of the sums in float64 that the kept slices are made of.

    Args:
        sizes: the sizes.
        samples: explained samples.
    """
    keep, length = set(sizes.keep), sizes.lengths(samples)
    dense = length["query"] * length["train"]
    total = length["component"] if "component" in keep else 1
    found = dense * total if keep & {"influence", "component", "interval"} else 0
    if "interval" in keep:  # the intervals that are being added to
        found += sizes.adjoint_parts * length["component"] * dense
    if "top" in keep:
        found += length["query"] * sizes.train
    if "top_component" in keep:
        found += length["component"] * length["query"] * sizes.train
    if "parameter" in keep:
        found += 2 * length["query"] * length["param"]
    return found


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
