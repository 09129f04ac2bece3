"""Where snapshots lie and how far apart."""

from explaind.history.checkpoint_interval import balanced_interval, snapshot_row, steps_per_chunk


def test_interval_balances_store_and_memory():
    assert balanced_interval(10_000, 12, 8) == round((10_000 * 12 / 8) ** 0.5)


def test_interval_stays_within_the_memory_and_the_training():
    assert balanced_interval(10_000, 8, 4, memory=40) == 10
    assert balanced_interval(3, 100, 1) == 3
    assert balanced_interval(100, 8, 8, memory=1) == 1


def test_snapshots_lie_at_multiples_and_at_the_end():
    rows = [snapshot_row(point, 4, 9) for point in range(10)]
    assert rows == [0, None, None, None, 1, None, None, None, 2, 3]
    assert [snapshot_row(point, 4, 8) for point in (0, 4, 8)] == [0, 1, 2]


def test_chunks_hold_whole_intervals():
    assert steps_per_chunk(row_bytes=10, every=1, target_bytes=10_000) == 64
    assert steps_per_chunk(row_bytes=10, every=1, target_bytes=100) == 10
    assert steps_per_chunk(row_bytes=10, every=7, target_bytes=10_000) == 70
    assert steps_per_chunk(row_bytes=10, every=100, target_bytes=10_000) == 100
