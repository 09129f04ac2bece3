"""Checksums of training samples and parameters: what is explained is what was recorded."""

import zlib

import google_crc32c
import numpy as np
from torch import Tensor

from explaind.trees import Inputs, Targets, leaves

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


def vector_checksum(row: np.ndarray) -> int:
    """Return the crc32c of the bytes of a contiguous vector."""
    return int(google_crc32c.value(row.view(np.uint8)))


class ChecksumTable:
    """Checksums of the samples seen so far.

    Args:
        known: checksums by sample index, `UNSEEN` where unknown.
    """

    def __init__(self, known: np.ndarray | None = None) -> None:
        self.values = np.empty(0, dtype=np.int64) if known is None else known

    def see(self, index: Tensor, x: Inputs, y: Targets, own: np.ndarray | None = None) -> None:
        """Note the samples of a batch that were not seen before.

        Args:
            index: dataset index of each sample.
            x: inputs.
            y: targets.
            own: checksums of the samples alone, if the rows of the batch are others.
        """
        rows = index.cpu().numpy()
        missing = int(rows.max()) + 1 - len(self.values)
        if missing > 0:
            self.values = np.append(self.values, np.full(missing, UNSEEN))
        if self.values[rows].min() == UNSEEN:
            self.values[rows] = sample_checksums(x, y) if own is None else own


def _rows(leaf: Tensor) -> np.ndarray:
    plain = leaf.detach().cpu()
    plain = plain.float() if plain.is_floating_point() else plain
    return np.ascontiguousarray(plain.numpy()).reshape(len(plain), -1)


def _checksum(parts: tuple[np.ndarray, ...]) -> int:
    value = 0
    for part in parts:
        value = zlib.crc32(part.tobytes(), value)
    return value
