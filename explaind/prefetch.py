"""Work ahead: the next item is made by a background thread while the current one is used."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_END = object()


def prefetched(items: Iterable[T]) -> Iterator[T]:
    """Yield the items in order, one of them made ahead.

    Args:
        items: what to make ahead; all of it is advanced in one background thread, never by two at
            a time. An exception in it is raised where its item would have been yielded.

    Yields:
        The items. Two of them exist at a time.
    """
    iterator = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as thread:
        following = thread.submit(next, iterator, _END)
        while (item := following.result()) is not _END:
            following = thread.submit(next, iterator, _END)
            yield item  # type: ignore[misc]  # next() gives an item or the mark of the end
