"""Checksums of training samples and parameters: what is explained is what was recorded."""

import zlib

import google_crc32c
import numpy as np
from torch import Tensor

from explaind.errors import UnsupportedError
from explaind.trees import Inputs, Targets, leaves, named_leaves

UNSEEN = -1


def sample_checksums(x: Inputs, y: Targets) -> np.ndarray:
    """One checksum per sample of a batch.

    Args:
        x: inputs.
        y: targets.

    Returns:
        `[batch]` int64, crc32 over the bytes of all leaves; floating leaves are taken as float32,
        so that a copy of the data in another precision has the same checksums.
    """
    rows = [_rows(leaf) for leaf in leaves((x, y))]
    sums = [_checksum(parts) for parts in zip(*rows, strict=True)]
    return np.array(sums, dtype=np.int64)


def check_tensors(x: Inputs, y: Targets) -> None:
    """Refuse a batch of anything but tensors.

    Args:
        x: inputs.
        y: targets.

    Raises:
        UnsupportedError: naming what is none.
    """
    for name, leaf in named_leaves("x", x) + named_leaves("y", y):
        if not isinstance(leaf, Tensor):
            raise UnsupportedError(
                f"{name} of a batch: expected a tensor, sample first, got {type(leaf).__name__}."
                " Leave it out, or make it a tensor in a collate_fn."
            )


def check_sample_first(x: Inputs, y: Targets, samples: int) -> None:
    """Refuse a batch whose rows are not samples.

    Args:
        x: inputs.
        y: targets.
        samples: how many samples it is of.

    Raises:
        UnsupportedError: naming what has other rows.
    """
    check_tensors(x, y)
    for name, leaf in named_leaves("x", x) + named_leaves("y", y):
        if leaf.shape[:1] != (samples,):
            raise UnsupportedError(
                f"{name} of a batch of {samples} samples: expected a row for each of them, got"
                f" shape {tuple(leaf.shape)}. Rows of several samples one after the other (graphs,"
                " sequences) can be told apart only if a DataLoader makes the batch by a collate_fn"
                " of items that are single samples."
            )


def has_row_for_each(x: Inputs, y: Targets, samples: int) -> bool:
    """Return whether all tensors of a batch have a row for each of the samples."""
    return all(leaf.shape[:1] == (samples,) for leaf in leaves((x, y)))


def whole_checksum(x: Inputs, y: Targets) -> int:
    """Return the checksum of everything in a batch: that of its row, if it is one sample.

    Args:
        x: inputs.
        y: targets.

    Returns:
        crc32 as in `sample_checksums`.
    """
    return _checksum(tuple(_numbers(leaf) for leaf in leaves((x, y))))


def vector_checksum(row: np.ndarray) -> int:
    """Return the crc32c of the bytes of a contiguous vector."""
    return int(google_crc32c.value(row.view(np.uint8)))


class ChecksumTable:
    """Checksums of the samples seen so far.

    Args:
        known: checksums by sample index, `UNSEEN` where unknown.

    Attributes:
        values: the checksums.
        in_batches: whether they are of rows of batches, which may be padded to the longest one.
    """

    def __init__(self, known: np.ndarray | None = None) -> None:
        self.values = np.empty(0, dtype=np.int64) if known is None else known
        self.in_batches = False

    def see(self, index: Tensor, x: Inputs, y: Targets, own: np.ndarray | None = None) -> None:
        """Note the samples of a batch that were not seen before.

        Args:
            index: dataset index of each sample.
            x: inputs.
            y: targets.
            own: checksums of the samples alone, if the rows of the batch are others.
        """
        if own is None:
            check_sample_first(x, y, len(index))
        rows = index.cpu().numpy()
        missing = int(rows.max()) + 1 - len(self.values)
        if missing > 0:
            self.values = np.append(self.values, np.full(missing, UNSEEN))
        self.in_batches |= own is None
        before = self.values[rows]
        if before.min() == UNSEEN:
            now = sample_checksums(x, y) if own is None else own
            self.values[rows] = np.where(before == UNSEEN, now, before)


def _numbers(leaf: Tensor) -> np.ndarray:
    plain = leaf.detach().cpu()
    plain = plain.float() if plain.is_floating_point() else plain
    return np.ascontiguousarray(plain.numpy())


def _rows(leaf: Tensor) -> np.ndarray:
    return _numbers(leaf).reshape(len(leaf), -1)


def _checksum(parts: tuple[np.ndarray, ...]) -> int:
    value = 0
    for part in parts:
        value = zlib.crc32(part.tobytes(), value)
    return value
