"""Checkpointed histories: which points of the path are stored, and how far apart."""

import math

STEPS_PER_CHUNK = 64
REPLAY_BYTES = 4 * 2**30


def balanced_interval(
    steps: int, snapshot_bytes: int, step_bytes: int, memory: int = REPLAY_BYTES
) -> int:
    """Checkpoint interval for which the store and the memory of the replay weigh the same.

    The store holds `steps / r` snapshots, a replay holds `r` steps, so that

        r = sqrt(steps * snapshot_bytes / step_bytes),

    at most what fits into the memory for the replay.

    Args:
        steps: number of steps, or the cap of the training.
        snapshot_bytes: bytes of a snapshot: parameters and optimizer state.
        step_bytes: bytes of a replayed step: parameters, and the second moment if there is one.
        memory: bytes that a replay may hold.

    Returns:
        The interval `r` in steps, in `1..steps`.
    """
    balanced = round(math.sqrt(steps * snapshot_bytes / step_bytes))
    return max(1, min(balanced, memory // step_bytes, steps))


def steps_per_chunk(row_bytes: int, every: int, target_bytes: int) -> int:
    """Steps whose snapshots fill a chunk of the target size; a multiple of `every`.

    Args:
        row_bytes: bytes of one parameter vector.
        every: steps between snapshots.
        target_bytes: size of a chunk.

    Returns:
        The number of steps: `STEPS_PER_CHUNK`, rounded up, unless their snapshots take too much.
    """
    rows = min(math.ceil(STEPS_PER_CHUNK / every), target_bytes // max(1, row_bytes))
    return every * max(1, rows)


def snapshot_row(point: int, every: int, steps: int) -> int | None:
    """Find the snapshot at a point of the path.

    Snapshots lie at the points `0, every, 2 every, ...` and at the last one.

    Args:
        point: the point, `0..steps`.
        every: steps between snapshots.
        steps: number of steps.

    Returns:
        Its row in the store; None where there is no snapshot.
    """
    if point == steps:
        return math.ceil(steps / every)
    return point // every if point % every == 0 else None
