"""The training samples that helped and harmed single validation samples most."""

import numpy as np
import pandas as pd
import xarray as xr

from explaind.report.tables.classes import ALL_COMPONENTS
from explaind.report.tables.steps import component_names

SIDES = ("helpful", "harmful")
BY_COMPONENT = "_by_component"


def has_examples(influence: xr.Dataset, by_component: bool = False) -> bool:
    """Whether the run kept the strongest training samples, in total or through each component."""
    return f"helpful_index{BY_COMPONENT if by_component else ''}" in influence


def example_table(influence: xr.Dataset, samples: tuple[int, ...], count: int) -> pd.DataFrame:
    """List the strongest training samples of some explained samples.

    Args:
        influence: the influence store, with the slice `top` and, for components, `top_component`.
        samples: positions among the explained samples.
        count: training samples per side; fewer if fewer were kept.

    Returns:
        One row per explained sample (`sample`, its row of the validation split), `output`,
        `component` (all of them together first), `side` (helpful or harmful) and `rank` (from 1):
        `train` (row of the training split) and `influence` in the unit of the output.
    """
    parts: list[tuple[str, str, int | None]] = [(ALL_COMPONENTS, "", None)]
    if has_examples(influence, by_component=True):
        names = component_names(influence)
        parts += [(name, BY_COMPONENT, number) for number, name in enumerate(names)]
    tables = []
    for component, ending, number in parts:
        for side in SIDES:
            index, value = (
                _values(influence[f"{side}_{what}{ending}"], number, samples, count)
                for what in ("index", "influence")
            )
            tables.append(_long(influence, samples, index, value, component=component, side=side))
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values(["sample", "output"], kind="stable", ignore_index=True)


def _values(
    array: xr.DataArray, component: int | None, samples: tuple[int, ...], count: int
) -> np.ndarray:
    """Values by sample, output and rank."""
    if component is not None:
        array = array.isel(component=component)
    chosen = array.isel(test=list(samples), rank=slice(0, count))
    values: np.ndarray = chosen.transpose("test", "output", "rank").to_numpy()
    return values


def _long(
    influence: xr.Dataset,
    samples: tuple[int, ...],
    index: np.ndarray,
    value: np.ndarray,
    **labels: str,
) -> pd.DataFrame:
    test, output, rank = (axis.reshape(-1) for axis in np.indices(index.shape))
    rows = influence["test_index"].to_numpy()[list(samples)]
    return pd.DataFrame(
        {
            "sample": rows[test],
            "output": influence["output"].to_numpy().astype(str)[output],
            **labels,
            "rank": rank + 1,
            "train": index.reshape(-1),
            "influence": value.reshape(-1),
        }
    )
