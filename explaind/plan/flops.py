"""Operations of an explanation, stage by stage, from sizes alone."""

from math import ceil

from explaind.kernel.contraction.routes import OPERATIONS_PER_NUMBER_MOVED
from explaind.plan.output_arrays import kept, numbers
from explaind.plan.routes import route_flops
from explaind.plan.sizes import Sizes

CALL_SECONDS = 0.01
"""Time of one step that is all Python and small tensors, measured on the smallest case."""

BACKWARD = 2  # a backward pass in forward passes


def stage_flops(sizes: Sizes, samples: int, passes: int) -> dict[str, float]:
    """Operations of every stage of a job.

    Numbers that are only moved count as `OPERATIONS_PER_NUMBER_MOVED` each.

    Args:
        sizes: the sizes.
        samples: explained samples.
        passes: passes over the history that they are divided among.

    Returns:
        Operations by stage.
    """
    moved, queries = OPERATIONS_PER_NUMBER_MOVED, samples * sizes.outputs
    steps, credited = sizes.worked_steps, sizes.job_steps
    nodes = 3 * sizes.subintervals if sizes.refines else sizes.subintervals  # one refinement
    per_pass = ceil(samples / passes) * sizes.outputs
    gradient = sizes.forward_flops * (1 + BACKWARD)
    vectors = 4 * (3 if sizes.adaptive else 2) * sizes.parameters
    stored = sum(numbers(row, sizes, samples) for row in kept(sizes).values())
    replayed = sizes.batch * gradient if sizes.every > 1 else 0
    return {
        "history": float(passes * steps * (moved * vectors + replayed)),
        "query": float(
            steps * nodes * samples * (sizes.forward_flops + sizes.outputs * gradient)
            + steps * nodes * moved * 2 * queries * sizes.parameters
        ),
        "adjoint": float(steps * moved * 2 * queries * sizes.parameters),
        "training": float(
            passes * credited * sizes.batch * (gradient + route_flops(sizes, per_pass))
        ),
        "influence": float(credited * moved * 3 * queries * sizes.batch * sizes.components),
        "store": float(moved * 3 * stored),
    }


def seconds(sizes: Sizes, samples: int, passes: int, rate: float) -> float:
    """Projected time of a job.

    Args:
        sizes: the sizes.
        samples: explained samples.
        passes: passes over the history.
        rate: operations per second of a matrix product on what computes.
    """
    calls = CALL_SECONDS * sizes.worked_steps * passes
    return sum(stage_flops(sizes, samples, passes).values()) / rate + calls


def reformulate_seconds(sizes: Sizes, rate: float) -> float:
    """Projected time of rebuilding all outputs of the validation samples: two derivatives each."""
    nodes = 3 * sizes.subintervals if sizes.refines else sizes.subintervals
    passes = sizes.samples * sizes.steps * nodes * 4  # forward, and forward mode for two parts
    history = sizes.steps * OPERATIONS_PER_NUMBER_MOVED * 12 * sizes.parameters
    return (passes * sizes.forward_flops + history) / rate + CALL_SECONDS * sizes.steps
