"""Chunks as they lie on disk, to move whole ones between stores without decoding them."""

from pathlib import Path

import google_crc32c
import numpy as np

from explaind.errors import StoreError

CHECKSUM_BYTES = 4  # crc32c, little-endian, at the end of every chunk


def chunk_file(store: Path, array: str, index: tuple[int, ...]) -> Path:
    """File of a chunk.

    Args:
        store: folder of the store.
        array: name of the array.
        index: number of the chunk along each dimension.
    """
    return store.joinpath(array, "c", *map(str, index))


def read_raw(file: Path) -> bytes:
    """Read an encoded chunk and check it.

    Raises:
        StoreError: if its checksum is not that of its content.
    """
    content = file.read_bytes()
    body = np.frombuffer(content, np.uint8)[:-CHECKSUM_BYTES]
    checksum = int(google_crc32c.value(body)).to_bytes(CHECKSUM_BYTES, "little")
    if content[-CHECKSUM_BYTES:] != checksum:
        raise StoreError(
            f"The chunk {file} is corrupted: its checksum is not that of its content. Remove its"
            " store and run the rule that makes it again."
        )
    return content
