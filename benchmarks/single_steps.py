"""Single steps of a large pre-training: the plan beside the published way, by its own formulas.

    python -m benchmarks.single_steps [--parameters 1.7e9] [--groups 35] [--points 20] [--gpus 64]

One text of each group is explained, at some steps of a training in float32 by AdamW. The published
way holds three copies of the model, both moments, two gradients and the activations of a
micro-batch, averages the gradient of a text over ten midpoints, and computes the gradients of the
training batch again for every text. Here the queries of a job share one pass of the batch, so what
decides is how many of them fit. Operations, memory and rate are those of `explaind.plan`; nothing
is measured, and no time is counted for the disk or between GPUs.
"""

from dataclasses import replace
from functools import wraps
from math import ceil

import pandas as pd
import typer

from explaind.plan.choose import requested
from explaind.plan.flops import BACKWARD, seconds
from explaind.plan.hypothetical import hypothetical_sizes
from explaind.plan.memory import explain_bytes
from explaind.plan.sizes import Sizes

COPIES = 3 + 2 + 2
"""Vectors of parameters of the published way: models, moments, gradients."""

MIDPOINTS = 10
TENSORS = 7  # of a layer
GIGABYTE, HOUR = 1e9, 3600

COLUMNS = (
    "way",
    "GB of a GPU",
    "asked for",
    "passes of the batch",
    "passes of a text",
    "hours",
)


def sizes_of_a_step(
    parameters: float, layers: int, groups: int, batch: int, micro_batch: int, positions: int
) -> tuple[Sizes, Sizes]:
    """Sizes of one step, and of one micro-batch of it: what is in memory at a time.

    Args:
        parameters: scalars of the model.
        layers: its layers.
        groups: groups of samples, of each of which one text is explained.
        batch: samples of the step.
        micro_batch: samples of one forward pass.
        positions: tokens of a sample and of a text.

    Returns:
        Both; influence is kept by group.
    """
    step = hypothetical_sizes(
        int(parameters), TENSORS * layers, batch, groups, 1, batch, positions=positions
    )
    step = replace(step, kept_train=groups)
    return step, replace(step, batch=micro_batch)


def published(step: Sizes, micro: Sizes, points: int, gpus: int, rate: float) -> tuple[object, ...]:
    """Return the row of the published way, spread evenly over all GPUs.

    Args:
        step: sizes of a step.
        micro: sizes of a micro-batch.
        points: steps that are explained.
        gpus: number of GPUs.
        rate: operations of one in a second.

    Returns:
        One value for each of `COLUMNS`.
    """
    gradient = step.forward_flops * (1 + BACKWARD)
    passes = step.samples * (step.batch + MIDPOINTS)
    hours = points * passes * gradient / (rate * gpus * HOUR)
    vectors = COPIES * step.parameters * step.itemsize
    held = (vectors + micro.batch * micro.activation_bytes) / GIGABYTE
    return ("published", held, held, step.samples, MIDPOINTS, hours)


def planned(
    step: Sizes, micro: Sizes, at_once: int, points: int, gpus: int, rate: float
) -> tuple[object, ...]:
    """Return the row of jobs of one step and some queries each.

    Args:
        step: sizes of a step.
        micro: sizes of a micro-batch.
        at_once: queries of a job.
        points: steps that are explained.
        gpus: number of GPUs.
        rate: operations of one in a second.

    Returns:
        One value for each of `COLUMNS`.
    """
    jobs = ceil(step.samples / at_once)
    waves = points * jobs / gpus  # many jobs: no GPU waits for long
    peak = explain_bytes(micro, at_once)
    nodes = 3 * step.subintervals
    return (
        f"{at_once} queries a job" if at_once > 1 else "1 query a job",
        peak / GIGABYTE,
        requested(peak) / GIGABYTE,
        jobs,
        nodes,
        waves * seconds(step, at_once, 1, rate) / HOUR,
    )


def table_of(
    parameters: float = 1.7e9,
    layers: int = 24,
    groups: int = 35,
    batch: int = 3072,
    micro_batch: int = 2,
    positions: int = 4096,
    points: int = 20,
    gpus: int = 64,
    teraflops: float = 50,
) -> pd.DataFrame:
    """Compare both ways.

    Args:
        parameters: scalars of the model.
        layers: its layers.
        groups: groups of samples, of each of which one text is explained.
        batch: samples of a step.
        micro_batch: samples of one forward pass.
        positions: tokens of a sample and of a text.
        points: steps that are explained.
        gpus: number of GPUs.
        teraflops: operations of a matrix product that one does, in 10^12 per second.

    Returns:
        One row per way with the columns `COLUMNS`; hours are by the clock, for all steps.
    """
    step, micro = sizes_of_a_step(parameters, layers, groups, batch, micro_batch, positions)
    at_once = [1, ceil(groups / 7), groups]
    rate = teraflops * 1e12
    rows = [published(step, micro, points, gpus, rate)]
    rows += [planned(step, micro, count, points, gpus, rate) for count in at_once]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def in_markdown(table: pd.DataFrame) -> str:
    """Return the table as the docs show it."""
    rows = [COLUMNS, ["---"] * len(COLUMNS)]
    rows += [[number(cell) for cell in row] for row in table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def number(cell: str | float) -> str:
    """Return a cell, numbers to three digits."""
    if isinstance(cell, str):
        return cell
    return f"{cell:,.0f}" if cell >= 100 or cell == int(cell) else f"{cell:.3g}"


@wraps(table_of)
def main(*args: float, **kwargs: float) -> None:
    """Print the table."""
    typer.echo(in_markdown(table_of(*args, **kwargs)))


if __name__ == "__main__":
    typer.run(main)
