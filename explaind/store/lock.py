"""One writer at a time."""

import errno
import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explaind.errors import StoreError
from explaind.files import naming_full_disk

logger = logging.getLogger(__name__)

UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def only_writer(store: Path, *, wait: bool = False) -> Iterator[None]:
    """Be the only process that writes a store while the block runs.

    The lock is one of the operating system on a file beside the store: it dies with its process,
    however that ends. On a filesystem without locks a warning is logged.

    Args:
        store: folder of the store; it need not exist.
        wait: wait for another writer to end instead of refusing.

    Raises:
        StoreError: naming another process that is writing it, unless this one is to wait; or if
            there can be no folder in this place.
    """
    path = store.with_name(f".{store.name}.lock")
    with naming_full_disk(store):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _acquired(path, store, wait)
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise StoreError(
                f"{store} cannot be made: {error.strerror}: {error.filename}. Expected a folder"
                " that this user may write to."
            ) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # before the release: a waiting process then opens a new one
        os.close(lock)


def _acquired(path: Path, store: Path, wait: bool) -> int:
    """Return the descriptor of the locked file at `path`, not of one removed while waiting."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(lock, store, wait)
            if _lies_at(lock, path):
                os.ftruncate(lock, 0)
                os.write(lock, f"process {os.getpid()} on {socket.gethostname()}".encode())
                return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _lock(lock: int, store: Path, wait: bool) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        owner = os.read(lock, 200).decode() or "another process"
        raise StoreError(
            f"{store} is being written by {owner}. Wait until it has ended, or stop it."
        ) from None
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        logger.warning("no file locks here (%s): start nothing twice that writes %s", error, store)


def _lies_at(lock: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False
