"""Chunks that go from store to store past zarr: moved as they lie on disk, or added."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from explaind.store import decode, encode

ADDED_TOGETHER = 2**16
"""Numbers added in float64 at once: they stay in the cache."""


class RawChunk(NamedTuple):
    """An encoded chunk of an array.

    Attributes:
        name: the array.
        number: number of the chunk along each dimension.
        content: buffers, one after the other.
    """

    name: str
    number: tuple[int, ...]
    content: Sequence[Any]


def added(contents: Sequence[Any], dtype: str) -> list[Any]:
    """Sum of encoded chunks, taken in float64.

    Args:
        contents: chunks of the same place in several stores.
        dtype: type of their numbers, and of the sum.

    Returns:
        The encoded sum, as buffers.
    """
    terms = [decode(content, dtype) for content in contents]
    found = np.empty_like(terms[0])
    for start in range(0, len(found), ADDED_TOGETHER):
        piece = slice(start, start + ADDED_TOGETHER)
        exact = terms[0][piece].astype(np.float64)
        for term in terms[1:]:
            exact += term[piece]
        found[piece] = exact
    return encode([found])
