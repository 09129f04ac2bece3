"""Which blocks of a language model carry the influence, step by step, and the phases of that.

A block is the attention or the MLP of the outer layers, the first and the last, or of those between
them. Its share of a step is that in the sizes of the influences of all crops of the batch on all
languages: the sum over both of |influence| through its components.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from explaind.errors import StoreError
from explaind.report.tables.confidence import mean_interval
from explaind.report.tables.steps import moving_average

OUTER_MLP, INNER_ATTENTION = "outer MLPs", "intermediate attention"
BLOCKS = (OUTER_MLP, "intermediate MLPs", "outer attention", INNER_ATTENTION)
REST = "embedding, output, norms"

SMOOTHED = 0.05  # of the steps that a curve is averaged over
TENTHS = 10
LAYER = re.compile(r"layer (\d+) (attention|MLP)")

Span = tuple[int, int]


class Phases(NamedTuple):
    """The steps of each phase by tenths of the training, first and last; None if it is not there.

    Attributes:
        outer: from the beginning, as long as outer MLPs have the largest share of all blocks.
        rising: from the smallest share of intermediate attention to its largest one afterwards, if
            that of the last tenth is above that of the first.
    """

    outer: Span | None
    rising: Span | None


def blocks_of(components: Sequence[str]) -> list[str]:
    """Return the block of every component.

    Args:
        components: names as in `models.gpt`.

    Returns:
        One of `BLOCKS`, or `REST`.
    """
    found = [LAYER.fullmatch(name) for name in components]
    numbers = {int(match[1]) for match in found if match}
    outer = {min(numbers), max(numbers)} if numbers else set()
    blocks = []
    for match in found:
        if match is None:
            blocks.append(REST)
            continue
        place = "outer" if int(match[1]) in outer else "intermediate"
        blocks.append(f"{place} {'MLPs' if match[2] == 'MLP' else 'attention'}")
    return blocks


def shares_by_step(influence: xr.Dataset) -> pd.DataFrame:
    """Work out the share of every block at every step.

    Args:
        influence: the influence store of a run.

    Returns:
        One row per step, a column for each block; those of a row add up to 1.

    Raises:
        StoreError: if sizes of influence were not kept by step.
    """
    name = "step_absolute_by_component"
    if name not in influence:
        raise StoreError(
            f"expected {name} in the influence store. Add `absolute` to runs.<name>.epk.keep and"
            " run `predict_epk` again."
        )
    sizes = influence[name].sum(("test", "output")).transpose("component", "step")
    components = blocks_of([str(component) for component in sizes["component"].to_numpy()])
    blocks = pd.DataFrame(sizes.to_numpy()).groupby(components).sum().T
    return blocks.div(blocks.sum(axis=1), axis=0).reindex(columns=[*BLOCKS, REST], fill_value=0.0)


def by_tenth(by_step: pd.DataFrame) -> pd.DataFrame:
    """Average a table over each tenth of the steps.

    Args:
        by_step: one row per step.

    Returns:
        One row per tenth, fewer if there are fewer steps.
    """
    parts = np.array_split(by_step.to_numpy(), min(TENTHS, len(by_step)))
    return pd.DataFrame([part.mean(0) for part in parts], columns=by_step.columns)


def smooth(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the moving average over a twentieth of the steps."""
    window = max(1, round(SMOOTHED * len(shares)))
    return pd.DataFrame(
        moving_average(shares.to_numpy(), window), index=shares.index, columns=shares.columns
    )


def shares_over_seeds(shares: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Average smoothed shares over the seeds.

    Args:
        shares: the table of `shares_by_step` of every run.

    Returns:
        One row per step and block with the columns `step`, `block` and those of `mean_interval`.
    """
    steps = min(map(len, shares.values()))
    stacked = np.stack([smooth(table.iloc[:steps]).to_numpy() for table in shares.values()])
    rows = [
        {"step": step, "block": block, **mean_interval(stacked[:, step, column])}
        for column, block in enumerate((*BLOCKS, REST))
        for step in range(steps)
    ]
    return pd.DataFrame(rows)


def find_phases(over_seeds: pd.DataFrame) -> Phases:
    """Find the phases in the shares averaged over the seeds.

    Args:
        over_seeds: the table of `shares_over_seeds`.

    Returns:
        The phases.
    """
    steps = over_seeds.pivot_table(index="step", columns="block", values="mean")
    tenths = by_tenth(steps)
    blocks = tenths[list(BLOCKS)]
    leads = ((blocks.idxmax(axis=1) == OUTER_MLP) & (blocks[OUTER_MLP] > 0)).to_numpy()
    led = len(leads) if leads.all() else int(np.argmin(leads))
    attention = tenths[INNER_ATTENTION].to_numpy()
    lowest = int(attention.argmin())
    highest = lowest + int(attention[lowest:].argmax())
    of_tenth = np.array_split(np.arange(len(steps)), len(tenths))

    def span(first: int, last: int) -> Span:
        return int(of_tenth[first][0]), int(of_tenth[last][-1])

    return Phases(
        span(0, led - 1) if led else None,
        span(lowest, highest) if attention[-1] > attention[0] else None,
    )
