"""How a chunk becomes bytes: what zarr is told, and the same done here.

Writing through zarr takes milliseconds for a chunk of any size. A recording writes a dozen arrays
while a step of training may take three, so its chunks are encoded here (`StoreWriter.write_rows`).
tensorstore is no faster than zarr there (docs/file_formats.md).
"""

import mmap
from collections.abc import Sequence

import google_crc32c
import numpy as np
from numcodecs.zstd import Zstd
from zarr.abc.codec import BytesBytesCodec
from zarr.codecs import Crc32cCodec, ZstdCodec

CHECKSUM_BYTES = 4  # crc32c, little-endian, at the end of every chunk
LEVEL = 1

Encoded = bytes | memoryview | mmap.mmap
"""Bytes of an encoded chunk, or a part of them."""


def compressors(dtype: str) -> list[BytesBytesCodec]:
    """Choose the codecs of an array, for zarr.

    Trained floats hardly compress, and compressing them costs more time than writing them.

    Args:
        dtype: type of its numbers.

    Returns:
        The codecs.
    """
    return [*([ZstdCodec(level=LEVEL)] if _compressed(dtype) else []), Crc32cCodec()]


def fill_value(dtype: str) -> int | float:
    """Return what a chunk holds beyond the end of its array."""
    return np.nan if np.dtype(dtype).kind == "f" else 0


def encode(parts: Sequence[np.ndarray]) -> list[Encoded]:
    """The bytes of a whole chunk as zarr writes them.

    Args:
        parts: contiguous, little-endian, of one type; laid one after the other they are the chunk.

    Returns:
        Buffers to be written one after the other, the checksum last; copies only if compressed.
    """
    flat = [part.reshape(-1).view(np.uint8) for part in parts]
    buffers: list[Encoded] = [part.data for part in flat]
    if _compressed(parts[0].dtype.name):
        buffers = [Zstd(level=LEVEL).encode(np.concatenate(flat))]
    return [*buffers, checksum(*buffers)]


def decode(content: Encoded, dtype: str) -> np.ndarray:
    """The numbers of an encoded chunk.

    Args:
        content: the chunk as `encode` writes it; its checksum is not looked at.
        dtype: type of the numbers.

    Returns:
        `[number]`, flat and read-only; a view unless the chunk is compressed.
    """
    body = memoryview(content)[:-CHECKSUM_BYTES]
    plain = Zstd(level=LEVEL).decode(body) if _compressed(dtype) else body
    return np.frombuffer(plain, np.dtype(dtype).newbyteorder("<"))


def checksum(*buffers: Encoded) -> bytes:
    """Return the crc32c of bytes, as it stands behind them."""
    value = 0
    for buffer in buffers:
        value = google_crc32c.extend(value, np.frombuffer(buffer, np.uint8))
    return value.to_bytes(CHECKSUM_BYTES, "little")


def _compressed(dtype: str) -> bool:
    return np.dtype(dtype).kind != "f"
