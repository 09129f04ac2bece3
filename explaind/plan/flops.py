"""Operations of an explanation, stage by stage, from sizes alone."""

from math import ceil

from explaind.kernel.contraction.routes import OPERATIONS_PER_NUMBER_MOVED
from explaind.plan.output_arrays import kept, numbers
from explaind.plan.routes import route_flops
from explaind.plan.sizes import Sizes

CALL_SECONDS = 0.01
"""Time of one step that is all Python and small tensors, measured on the smallest case."""

SAMPLE_CALL_SECONDS = 0.001
"""Time of one forward and backward pass of one sample that is all Python and small tensors,
measured on an LSTM of 5 tokens."""

BACKWARD = 2  # a backward pass in forward passes


def stage_flops(sizes: Sizes, samples: int, blocks: int) -> dict[str, float]:
    """Operations of every stage of a job.

    Numbers that are only moved count as `OPERATIONS_PER_NUMBER_MOVED` each.

    Args:
        sizes: the sizes.
        samples: explained samples.
        blocks: query blocks that they are divided among; each walks through the history.

    Returns:
        Operations by stage.
    """
    moved, queries = OPERATIONS_PER_NUMBER_MOVED, samples * sizes.outputs
    steps, credited = sizes.worked_steps, sizes.job_steps
    nodes = 3 * sizes.subintervals if sizes.refines else sizes.subintervals  # one refinement
    per_block = ceil(samples / blocks) * sizes.outputs
    gradient = sizes.forward_flops * (1 + BACKWARD)
    vectors = 4 * (3 if sizes.adaptive else 2) * sizes.parameters
    stored = sum(numbers(row, sizes, samples) for row in kept(sizes).values())
    replayed = sizes.batch * gradient if sizes.every > 1 else 0
    return {
        "history": float(blocks * steps * (moved * vectors + replayed)),
        "query": float(
            steps * nodes * samples * (sizes.forward_flops + sizes.outputs * gradient)
            + steps * nodes * moved * 2 * queries * sizes.parameters
        ),
        "adjoint": float(steps * moved * 2 * queries * sizes.parameters),
        "training": float(
            blocks * credited * sizes.batch * (gradient + route_flops(sizes, per_block))
        ),
        "influence": float(credited * moved * 3 * queries * sizes.batch * sizes.components),
        "store": float(moved * 3 * stored),
    }


def seconds(sizes: Sizes, samples: int, blocks: int, rate: float) -> float:
    """Projected time of a job.

    Args:
        sizes: the sizes.
        samples: explained samples.
        blocks: query blocks.
        rate: operations per second of a matrix product on what computes.

    Returns:
        Seconds.
    """
    calls = CALL_SECONDS * sizes.worked_steps * blocks
    calls += SAMPLE_CALL_SECONDS * sample_calls(sizes, samples, blocks)
    return sum(stage_flops(sizes, samples, blocks).values()) / rate + calls


def sample_calls(sizes: Sizes, samples: int, blocks: int) -> int:
    """Return how often autograd is called for one sample, where torch cannot batch the model."""
    if sizes.batched:
        return 0
    nodes = 3 * sizes.subintervals if sizes.refines else sizes.subintervals
    queries = sizes.worked_steps * nodes * samples * sizes.outputs
    return queries + blocks * sizes.job_steps * sizes.batch


def reformulate_seconds(sizes: Sizes, rate: float) -> float:
    """Return the projected time of rebuilding all outputs of all samples: two derivatives each."""
    nodes = 3 * sizes.subintervals if sizes.refines else sizes.subintervals
    passes = sizes.samples * sizes.steps * nodes * 4  # forward, and forward mode for two parts
    history = sizes.steps * OPERATIONS_PER_NUMBER_MOVED * 12 * sizes.parameters
    return (passes * sizes.forward_flops + history) / rate + CALL_SECONDS * sizes.steps
