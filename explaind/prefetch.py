"""Work ahead: the next item is made by a background thread while the current one is used."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")

_END = object()


class Ahead(Generic[T]):
    """Iterates over items that a background thread makes, the next one from when it is told to.

    Args:
        items: what to make, in one thread, never two at a time. An exception in it is raised where
            its item would have been returned.
        thread: makes them.
    """

    def __init__(self, items: Iterable[T], thread: Executor) -> None:
        self._items, self._thread = iter(items), thread
        self._following: Future[object] | None = None

    def begin(self) -> None:
        """Begin to make the next item, unless that is begun."""
        if self._following is None:
            self._following = self._thread.submit(next, self._items, _END)

    def __iter__(self) -> Iterator[T]:
        """Return itself."""
        return self

    def __next__(self) -> T:
        """Return the next item, when it is made; nothing here holds it then."""
        self.begin()
        assert self._following is not None
        following, self._following = self._following, None
        item = following.result()
        if item is _END:
            raise StopIteration
        return item  # type: ignore[return-value]  # next() gives an item or the mark of the end


@contextmanager
def made_ahead(items: Iterable[T]) -> Iterator[Ahead[T]]:
    """Make items in a background thread that ends with the block.

    Args:
        items: what to make.

    Yields:
        An iterator over them.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as thread:
        yield Ahead(items, thread)


def prefetched(items: Iterable[T]) -> Iterator[T]:
    """Yield the items in order, one of them made ahead.

    Args:
        items: what to make ahead.

    Yields:
        The items. Two of them exist at a time.
    """
    with made_ahead(items) as ahead:
        for item in ahead:
            ahead.begin()
            yield item
