"""Logging and progress. Only the command line configures logging; the library just logs."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
SECONDS_BETWEEN_LINES = 30.0

T = TypeVar("T")
logger = logging.getLogger(__name__)


def configure_logging(level: int = logging.INFO) -> None:
    """Send the messages of this package to standard error.

    Args:
        level: least severe level that is shown.
    """
    logging.captureWarnings(capture=True)
    logging.basicConfig(format=FORMAT, level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("explaind").setLevel(level)


def progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield the items and tell how far it got: a bar on a terminal, else a log line at intervals.

    Args:
        items: what is worked through.
        description: what is being done, e.g. ``train``.
        total: number of items, if they cannot tell.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    bar = tqdm(items, desc=description, total=total, disable=None, leave=False)
    with logging_redirect_tqdm():
        yield from bar if not bar.disable else _lines(items, description, total)


def _lines(items: Iterable[T], description: str, total: int | None) -> Iterator[T]:
    last = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if now - last > SECONDS_BETWEEN_LINES:
            logger.info("%s: %d of %s", description, done, "?" if total is None else total)
            last = now
        yield item
