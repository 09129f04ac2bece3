"""The files of a store: what is read is checked, a full disk is named."""

import mmap
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import zarr
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from explaind.errors import DamagedStoreError, StoreError
from explaind.files import naming_full_disk
from explaind.store.encoding import CHECKSUM_BYTES, Encoded, checksum


class StoreFiles(LocalStore):
    """Files of one zarr group; a chunk that is not as it was written is never returned.

    zarr checks the checksums too, but its error names no chunk, and it reads a missing chunk as
    fill value. What cannot be written for want of room raises a `DiskFullError` that names the
    file; a chunk that is corrupted or gone from a store to read, a `DamagedStoreError`.

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
        """Return the content of a file, None if there is none."""
        content = await super().get(key, prototype, byte_range)
        if _is_chunk(key) and byte_range is None:
            if content is None and self.read_only:
                raise self._damaged(key, "is gone")
            if content is not None and not _is_intact(content.as_numpy_array()):
                raise self._damaged(key, "is corrupted: its checksum is not that of its content")
        return content

    async def set(self, key: str, value: Buffer) -> None:
        """Write a file."""
        with naming_full_disk(self.root / key):
            await super().set(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Write a file unless it is there."""
        with naming_full_disk(self.root / key):
            await super().set_if_not_exists(key, value)

    def read_raw(self, array: str, number: tuple[int, ...]) -> mmap.mmap:
        """An encoded chunk, to be moved undecoded; mapped, which saves a copy in memory.

        Args:
            array: name of the array.
            number: number of the chunk along each dimension.

        Returns:
            Its bytes.
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

    def write_raw(self, array: str, number: tuple[int, ...], content: Sequence[Encoded]) -> None:
        """Write an encoded chunk.

        Args:
            array: name of the array.
            number: number of the chunk along each dimension.
            content: buffers, one after the other.
        """
        path = self.root / _chunk_key(array, number)
        with naming_full_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.writelines(content)

    def drop_rows(self, array: str, first: int) -> None:
        """Delete the chunks of an array whose number along the first dimension is this or more."""
        for entry in (self.root / array / "c").glob("*"):
            if int(entry.name) >= first:
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()

    def _damaged(self, key: str, what: str) -> DamagedStoreError:
        array = key.split("/", maxsplit=1)[0]
        message = f"{self.root}, array {array}: the chunk {self.root / key} {what}.{self._remedy}"
        return DamagedStoreError(message, self.root)


def open_group(path: Path, mode: Literal["r", "r+"] = "r") -> zarr.Group:
    """Open the group of an existing store.

    Args:
        path: folder of the store.
        mode: "r" to read; "r+" is for the writer alone.

    Returns:
        The group.

    Raises:
        StoreError: if no zarr store lies there.
    """
    try:
        return zarr.open_group(StoreFiles(path, read_only=mode == "r"), mode=mode, zarr_format=3)
    except (FileNotFoundError, ValueError) as error:
        raise StoreError(f"{path} is not a zarr store ({error}).") from error


def _is_chunk(key: str) -> bool:
    return key.split("/")[1:2] == ["c"]


def _chunk_key(array: str, number: tuple[int, ...]) -> str:
    return "/".join([array, "c", *map(str, number)])


def _is_intact(content: np.ndarray) -> bool:
    return bytes(content[-CHECKSUM_BYTES:]) == checksum(content[:-CHECKSUM_BYTES].data)
