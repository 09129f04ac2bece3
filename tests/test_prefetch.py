"""Work ahead: order, exceptions, and no more than one item ahead."""

import threading

import pytest

from explaind.prefetch import made_ahead, prefetched


def test_all_items_in_order_from_another_thread():
    threads = set()

    def items():
        for number in range(20):
            threads.add(threading.get_ident())
            yield number

    assert list(prefetched(items())) == list(range(20))
    assert threads
    assert threading.get_ident() not in threads


def test_none_is_an_item():
    assert list(prefetched([None, 1, None])) == [None, 1, None]
    assert list(prefetched([])) == []


def test_the_next_item_is_made_during_the_work_and_no_other():
    made = [threading.Event() for _ in range(4)]

    def items():
        for event in made:
            event.set()
            yield event

    work = prefetched(items())
    assert next(work) is made[0]
    assert made[1].wait(timeout=60)  # without being asked for
    assert not made[2].wait(timeout=0.05)
    assert next(work) is made[1]
    assert made[2].wait(timeout=60)


def test_an_exception_surfaces_where_its_item_would_have_been():
    def items():
        yield 1
        raise OSError("disk on fire")

    work = prefetched(items())
    assert next(work) == 1
    with pytest.raises(OSError, match="disk on fire"):
        next(work)


def test_a_walk_that_is_given_up_leaves_no_thread():
    before = threading.active_count()
    work = prefetched(range(5))
    assert next(work) == 0
    assert threading.active_count() > before
    work.close()
    assert threading.active_count() == before


def test_an_item_is_made_when_it_is_begun_or_asked_for():
    made = []
    with made_ahead(made.append(k) or k for k in range(3)) as ahead:
        assert made == []
        assert next(ahead) == 0
        assert made == [0]
        ahead.begin()
        ahead.begin()  # begun already
        assert next(ahead) == 1
        assert made == [0, 1]
        assert list(ahead) == [2]
