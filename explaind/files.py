"""Files that are either absent or whole."""

import errno
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from explaind.errors import DiskFullError

logger = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Explain an error of the block that means a full disk.

    Args:
        path: what is being written.

    Raises:
        DiskFullError: if there is no room left on the device, in the quota or in the file.
        OSError: any other one of the block, as it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL or isinstance(error, DiskFullError):
            raise
        raise DiskFullError(
            f"{path} could not be written: {error.strerror}. What was finished before is kept, what"
            " is incomplete is not taken for data. Free space and run the same command again."
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the folder of `path`; rename it to `path` if the block succeeds.

    Args:
        path: the file to create or replace; its folder is made if missing.

    Yields:
        The temporary path to write to. A crash leaves `path` as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with naming_full_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb") as written:  # on disk before the name appears
                os.fsync(written.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing_result(path: Path) -> Iterator[Path]:
    """Do as `replacing` does, and say in the log what was written.

    Args:
        path: the file to create or replace.

    Yields:
        The temporary path to write to.
    """
    start = time.monotonic()
    with replacing(path) as temporary:
        yield temporary
    log_written(path, start)


def log_written(path: Path, start: float) -> None:
    """Say in the log what was written: its path, its size and how long it took.

    Args:
        path: a file, or a folder with everything below it.
        start: `time.monotonic()` when it was begun.
    """
    files = path.rglob("*") if path.is_dir() else [path]
    size = tqdm.format_sizeof(sum(file.stat().st_size for file in files), "B")
    logger.info("wrote %s: %s in %.1f s", path, size, time.monotonic() - start)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with writing_result(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Write `content` as sorted, indented JSON to `path` atomically."""
    write_text(path, as_json(content))


def as_json(content: object) -> str:
    """Return `content` as sorted, indented JSON."""
    return json.dumps(content, indent=2, sort_keys=True) + "\n"
