"""Bytes of an explanation, stage by stage, from sizes alone.

Each stage holds something throughout and works with more for a while. The peak is what all stages
hold plus the most that one of them works with.
"""

from dataclasses import dataclass

from explaind.choices import SAMPLES_PER_PASS
from explaind.kernel.collectors.output_arrays import BY_COMPONENT
from explaind.kernel.contraction.training_side import WORKING_BYTES
from explaind.kernel.gradients.stacked import (
    COPIES,
    MOST_BYTES,
    MOST_NUMBERS,
    MOST_POINTS,
    PATH_COPIES,
)
from explaind.plan.output_arrays import kept, numbers, sums
from explaind.plan.sizes import Sizes
from explaind.store import TARGET_CHUNK_BYTES

REFINING = 4
"""Copies of a pass's averaged gradients while it is refined: the coarse and the fine ones of the
samples that go on, those before, and the extrapolation."""

CHUNKS_IN_FLIGHT = 10
"""Chunks that zarr encodes or decodes at a time (`async.concurrency`)."""


@dataclass(frozen=True)
class StageBytes:
    """Memory of a stage.

    Attributes:
        held: throughout the loop over the steps.
        working: more than that, for a while in each step.
    """

    held: int
    working: int


def stage_bytes(sizes: Sizes, samples: int) -> dict[str, StageBytes]:
    """Memory of every stage for a query block.

    Args:
        sizes: the sizes.
        samples: explained samples of the block.

    Returns:
        Bytes by stage, those of the opened run not counted.
    """
    return {
        "history": _history(sizes),
        "query": _query(sizes, samples),
        "adjoint": StageBytes(sizes.adjoint_parts * _matrix(sizes, samples), 0),
        "training": _training(sizes, samples),
        "influence": _influence(sizes, samples),
        "store": _store(sizes, samples),
    }


def explain_bytes(sizes: Sizes, samples: int) -> int:
    """Return the peak of a query block, the opened run not counted."""
    stages = stage_bytes(sizes, samples)
    loop = sum(stage.held for stage in stages.values())
    loop += max(stage.working for name, stage in stages.items() if name != "store")
    end = stages["influence"].held + stages["store"].working
    return max(loop, end)


def reformulate_bytes(sizes: Sizes) -> int:
    """Return the peak of rebuilding all outputs of all samples, the opened run not counted."""
    stages = stage_bytes(sizes, 0)
    passing = min(SAMPLES_PER_PASS, sizes.samples) * sizes.activation_bytes
    sums = 5 * sizes.samples * sizes.outputs * 8
    return sums + stages["history"].held + max(stages["history"].working, 5 * passing)


def _matrix(sizes: Sizes, samples: int) -> int:
    """One number per query and parameter."""
    return samples * sizes.outputs * sizes.parameters * sizes.itemsize


def _history(sizes: Sizes) -> StageBytes:
    """Two blocks, one read ahead, and the decay motion of one, made row by row in float64."""
    vectors = sizes.block_steps * sizes.parameters
    block = (2 if sizes.adaptive else 1) * vectors * sizes.itemsize
    decoded = min(block, CHUNKS_IN_FLIGHT * TARGET_CHUNK_BYTES)
    return StageBytes(2 * block + vectors * sizes.itemsize + decoded, 6 * 8 * sizes.parameters)


def _query(sizes: Sizes, samples: int) -> StageBytes:
    """The averaged gradients of this step beside those of the last; those of a pass to refine."""
    matrix, at_once = _matrix(sizes, samples), min(SAMPLES_PER_PASS, samples)
    joined = 1 if samples <= SAMPLES_PER_PASS else 2
    largest = at_once * sizes.outputs * sizes.largest_layer * sizes.itemsize
    passing = at_once * sizes.activation_bytes * (2 + sizes.outputs) + 2 * largest
    refining = REFINING * _matrix(sizes, at_once) if sizes.refines else 0
    return StageBytes(matrix, joined * matrix + max(passing, refining, _stacked(sizes, samples)))


def _stacked(sizes: Sizes, samples: int) -> int:
    """Passes of several steps at once, where those of one are small; and those of the last ones."""
    if samples > SAMPLES_PER_PASS or samples * sizes.parameters > MOST_NUMBERS:
        return 0
    passing = samples * sizes.outputs * COPIES * sizes.activation_bytes
    point = passing + PATH_COPIES * sizes.parameters * sizes.itemsize
    return 2 * min(MOST_BYTES, MOST_POINTS * point)


def _training(sizes: Sizes, samples: int) -> StageBytes:
    """Products of the batch: those of the last step and new ones, in float64; its pass."""
    components = sizes.components if BY_COMPONENT & set(sizes.keep) else 1
    products = components * sizes.adjoint_parts * samples * sizes.outputs * sizes.batch
    gradients = min(WORKING_BYTES, sizes.batch * sizes.largest_layer * sizes.itemsize)
    passing = sizes.batch * (2 * sizes.activation_bytes + sizes.sample_bytes) + 3 * gradients
    return StageBytes(8 * products, 8 * products + passing)


def _influence(sizes: Sizes, samples: int) -> StageBytes:
    """What is summed and kept until the end."""
    held = sum(row.held * numbers(row, sizes, samples) for row in kept(sizes).values())
    scores = _matrix(sizes, samples) if "parameter" in sizes.keep else 0
    return StageBytes(held + 8 * sums(sizes, samples), scores)


def _store(sizes: Sizes, samples: int) -> StageBytes:
    """Arrays as they are stored, and chunks on their way to the disk."""
    rows = kept(sizes).values()
    made = sum(row.made * numbers(row, sizes, samples) for row in rows)
    largest = max(numbers(row, sizes, samples) * sizes.itemsize for row in rows)
    return StageBytes(0, made + 2 * min(largest, CHUNKS_IN_FLIGHT * TARGET_CHUNK_BYTES))
