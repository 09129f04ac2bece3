"""What each output array of an explanation costs. A new one is one row here."""

from math import ceil, prod
from typing import NamedTuple

from explaind.kernel.collectors.output_arrays import DENSE
from explaind.plan.sizes import Sizes
from explaind.store import TARGET_CHUNK_BYTES


class ArrayCost(NamedTuple):
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


COSTS = {
    "step": ArrayCost(4, ("step", "query"), held=6, made=4, stored=8),
    "influence": ArrayCost(1, ("query", "train"), made=12),
    "component": ArrayCost(1, ("component", "query", "train"), made=4),
    "interval": ArrayCost(1, ("interval", "component", "query", "train"), held=4),
    "parameter": ArrayCost(2, ("interval", "query", "param"), held=4),
    "step_component": ArrayCost(2, ("step", "component", "query"), held=4),
    "absolute": ArrayCost(2, ("step", "component", "query"), held=4),
    "top": ArrayCost(4, ("query", "rank"), made=6, stored=6),  # indices and influences
    "top_component": ArrayCost(4, ("component", "query", "rank"), made=6, stored=6),
}
"""Costs by output array; `step` stands for those that are kept in any case."""


def kept(sizes: Sizes) -> dict[str, ArrayCost]:
    """Return the costs of the output arrays that are kept."""
    return {name: row for name, row in COSTS.items() if name in {"step", *sizes.keep}}


def sums(sizes: Sizes, samples: int) -> int:
    """Numbers of the sums in float64 that the output arrays are made of.

    Args:
        sizes: the sizes.
        samples: explained samples.

    Returns:
        How many.
    """
    keep, length = set(sizes.keep), sizes.lengths(samples)
    dense = length["query"] * length["train"]
    total = length["component"] if "component" in keep else 1
    count = dense * total if keep & DENSE else 0
    if "interval" in keep:  # the intervals that are being added to
        count += sizes.adjoint_parts * length["component"] * dense
    if "top" in keep:
        count += length["query"] * sizes.train
    if "top_component" in keep:
        count += length["component"] * length["query"] * sizes.train
    if "parameter" in keep:
        count += 2 * length["query"] * length["param"]
    return count


def numbers(row: ArrayCost, sizes: Sizes, samples: int) -> int:
    """Return how many numbers there are for these explained samples."""
    lengths = sizes.lengths(samples)
    return row.arrays * prod(lengths[dim] for dim in row.dims)


def disk_bytes(row: ArrayCost, sizes: Sizes, samples: int) -> int:
    """Return the bytes in a store."""
    return numbers(row, sizes, samples) * (row.stored or sizes.itemsize)


def disk_files(row: ArrayCost, sizes: Sizes, samples: int) -> int:
    """Return the chunks in a store; each is a file."""
    array = disk_bytes(row, sizes, samples) // row.arrays
    return row.arrays * max(1, ceil(array / TARGET_CHUNK_BYTES))
