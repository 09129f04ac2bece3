"""The numbers of the grokking page, gathered from the stores of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from explaind.paths import Paths
from explaind.report.page import write_table
from explaind.report.plots.heatmap import MAX_SAMPLE_PAIRS
from explaind.report.tables.agreement import closure_table, output_table
from explaind.report.tables.classes import class_map_table, class_maps, sample_map
from explaind.report.tables.outputs import output_name, output_unit
from explaind.report.tables.phases import Phases, find_phases
from explaind.report.tables.run import RunStores
from explaind.report.tables.steps import component_table, part_table


@dataclass(frozen=True)
class GrokkingTables:
    """All numbers of the page.

    Attributes:
        metrics: one row per step.
        phases: memorisation and generalisation steps.
        components: influence per step and component, see `component_table`.
        parts: parts of the change per step, see `part_table`.
        closure: parts of the final output per sample, see `closure_table`.
        outputs: true and reformulated outputs, see `output_table`.
        maps: influence by class, see `class_maps`.
        samples: influence by sample, see `sample_map`; None if too large for a page.
        statistics: the numbers of `validation.json`.
        train_samples: number of training samples.
        output: plain name of the explained output.
        unit: its unit.
    """

    metrics: pd.DataFrame
    phases: Phases
    components: pd.DataFrame
    parts: pd.DataFrame
    closure: pd.DataFrame
    outputs: pd.DataFrame
    maps: xr.DataArray
    samples: xr.DataArray | None
    statistics: Mapping[str, Any]
    train_samples: int
    output: str
    unit: str


def read_tables(stores: RunStores, modulus: int) -> GrokkingTables:
    """Gather the numbers of the page from the stores of a run.

    Args:
        stores: the stores.
        modulus: number of classes; the model may have more outputs, for tokens that are no results.
    """
    influence = stores.influence
    return GrokkingTables(
        metrics=stores.metrics,
        phases=find_phases(stores.metrics),
        components=component_table(influence),
        parts=part_table(influence),
        closure=closure_table(influence),
        outputs=output_table(stores.validation),
        maps=class_maps(influence, modulus),
        samples=sample_map(influence, MAX_SAMPLE_PAIRS),
        statistics=stores.statistics,
        train_samples=influence.sizes["train"],
        output=output_name(influence),
        unit=output_unit(influence),
    )


def write_tables(tables: GrokkingTables, paths: Paths, figure: str) -> dict[str, Path]:
    """Write the tables behind the panels of a figure; return their files by name."""
    content = {
        ("curves", "csv"): tables.metrics,
        ("components", "csv"): tables.components,
        ("parts", "csv"): tables.parts,
        ("closure", "csv"): tables.closure,
        ("agreement", "parquet"): tables.outputs,
        ("class_maps", "parquet"): class_map_table(tables.maps),
    }
    if tables.samples is not None:
        long = tables.samples.rename("influence").to_dataframe().reset_index(drop=True)
        content["sample_map", "parquet"] = long
    return {
        panel: write_table(table, paths.table(figure, panel, suffix))
        for (panel, suffix), table in content.items()
    }
