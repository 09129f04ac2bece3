"""The files of a store: what is read is checked, a full disk is named."""

import mmap
from pathlib import Path

import google_crc32c
import numpy as np
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
            if found is not None and not _is_intact(found.as_numpy_array()):
                raise self._damaged(key, "is corrupted: its checksum is not that of its content")
        return found

    async def set(self, key: str, value: Buffer) -> None:
        """Write a file.

        Raises:
            DiskFullError: if there is no room for it.
        """
        with naming_full_disk(self.root / key):
            await super().set(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Write a file unless it is there.

        Raises:
            DiskFullError: if there is no room for it.
        """
        with naming_full_disk(self.root / key):
            await super().set_if_not_exists(key, value)

    def read_raw(self, array: str, number: tuple[int, ...]) -> mmap.mmap:
        """An encoded chunk, to be moved undecoded; mapped, which saves a copy in memory.

        Args:
            array: name of the array.
            number: number of the chunk along each dimension.

        Raises:
            DamagedStoreError: if it is corrupted or gone.
        """
        key = _chunk_key(array, number)
        try:
            with (self.root / key).open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise self._damaged(key, "is gone") from None
        except ValueError:
            raise self._damaged(key, "is empty") from None
        if not _is_intact(np.frombuffer(content, np.uint8)):
            raise self._damaged(key, "is corrupted: its checksum is not that of its content")
        return content

    def write_raw(self, array: str, number: tuple[int, ...], content: mmap.mmap) -> None:
        """Write an encoded chunk; arguments as for `read_raw`.

        Raises:
            DiskFullError: if there is no room for it.
        """
        file = self.root / _chunk_key(array, number)
        with naming_full_disk(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def _damaged(self, key: str, what: str) -> DamagedStoreError:
        array = key.split("/", maxsplit=1)[0]
        message = f"{self.root}, array {array}: the chunk {self.root / key} {what}.{self._remedy}"
        return DamagedStoreError(message, self.root)


def _is_chunk(key: str) -> bool:
    return key.split("/")[1:2] == ["c"]


def _chunk_key(array: str, number: tuple[int, ...]) -> str:
    return "/".join([array, "c", *map(str, number)])


def _is_intact(content: np.ndarray) -> bool:
    body, checksum = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
    return bytes(checksum) == int(google_crc32c.value(body)).to_bytes(CHECKSUM_BYTES, "little")
