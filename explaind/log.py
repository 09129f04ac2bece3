"""Logging and progress. Only the command line configures logging; the library just logs."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
SECONDS_BETWEEN_LINES = 30.0

T = TypeVar("T")
logger = logging.getLogger(__name__)  # of progress, and of nothing else


def configure_logging(level: int = logging.INFO) -> None:
    """Send the messages of this package to standard error.

    Args:
        level: least severe level that is shown.
    """
    logging.captureWarnings(capture=True)
    logging.basicConfig(format=FORMAT, level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("explaind").setLevel(level)


def send_output_to(path: Path) -> None:
    """Write all output of this process to a file; the terminal gets progress, with the job's name.

    The job is named like its file and the folder of that. What C libraries and a crash of Python
    write goes to the file as well.

    Args:
        path: the file; its folder is made if missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1)
    with path.open("w", encoding="utf-8") as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())
    handler = logging.StreamHandler(terminal)
    handler.setFormatter(logging.Formatter(f"{path.parent.name}/{path.stem} %(message)s"))
    logger.addHandler(handler)


def progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield the items and tell how far it got: a bar on a terminal, else a log line at intervals.

    Args:
        items: what is worked through.
        description: what is being done, e.g. ``train``.
        total: number of items, if they cannot tell.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    from tqdm.contrib.logging import logging_redirect_tqdm  # noqa: PLC0415 (asyncio, for bars only)

    bar = tqdm(items, desc=description, total=total, disable=None, leave=False)
    with logging_redirect_tqdm():
        yield from bar if not bar.disable else _lines(items, description, total)


def _lines(items: Iterable[T], description: str, total: int | None) -> Iterator[T]:
    start = last = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if now - last > SECONDS_BETWEEN_LINES:
            logger.info("%s: %s", description, _reached(done, total, now - start))
            last = now
        yield item


def _reached(done: int, total: int | None, seconds: float) -> str:
    """How far it got after some seconds; with the time that is left if the rest goes as fast."""
    if not total:
        return f"{done} done"
    text = f"{done} of {total}, {done / total:.0%}"
    if not done:
        return text
    return f"{text}, {tqdm.format_interval(seconds * (total - done) / done)} left"
