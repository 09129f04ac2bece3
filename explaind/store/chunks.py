"""The files of a store: what is read is checked, a full disk is named."""

from pathlib import Path

import google_crc32c
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from explaind.errors import DamagedStoreError
from explaind.files import naming_full_disk

CHECKSUM_BYTES = 4  # crc32c, little-endian, at the end of every chunk


class StoreFiles(LocalStore):
    """Files of one zarr group; a chunk that is not as it was written is never returned.

    zarr checks the checksums too, but its error names no chunk, and it reads a missing chunk as
    fill value.

    Args:
        root: folder of the store.
        read_only: whether the store is only read; every chunk must then be there.
        remedy: what to do about a damaged chunk, for the message.
    """

    def __init__(self, root: Path | str, *, read_only: bool = False, remedy: str = "") -> None:
        super().__init__(root, read_only=read_only)
        self._remedy = remedy

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Content of a file, None if there is none.

        Raises:
            DamagedStoreError: if it is a chunk and corrupted, or gone from a store to read.
        """
        found = await super().get(key, prototype, byte_range)
        if _is_chunk(key) and byte_range is None:
            if found is None and self.read_only:
                raise self._damaged(key, "is gone")
            if found is not None and not _is_intact(found):
                raise self._damaged(key, "is corrupted: its checksum is not that of its content")
        return found

    async def set(self, key: str, value: Buffer) -> None:
        """Write a file.

        Raises:
            DiskFullError: if there is no room for it.
        """
        with naming_full_disk(self.root / key):
            await super().set(key, value)

    def _damaged(self, key: str, what: str) -> DamagedStoreError:
        array = key.split("/", maxsplit=1)[0]
        message = f"{self.root}, array {array}: the chunk {self.root / key} {what}.{self._remedy}"
        return DamagedStoreError(message, self.root)


def _is_chunk(key: str) -> bool:
    return key.split("/")[1:2] == ["c"]


def _is_intact(chunk: Buffer) -> bool:
    content = chunk.as_numpy_array()
    body, checksum = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
    return bytes(checksum) == int(google_crc32c.value(body)).to_bytes(CHECKSUM_BYTES, "little")
