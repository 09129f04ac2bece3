"""The numbers of the grokking page, gathered from the stores of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import xarray as xr

from explaind.config.dataset import ModuloDataset
from explaind.experiments.grokking.settings import GrokkingSettings
from explaind.report.plots.heatmap import MAX_SAMPLE_PAIRS
from explaind.report.sources import Sources
from explaind.report.tables.agreement import decomposition_by_sample, output_table
from explaind.report.tables.classes import class_map_table, class_maps, sample_map, sample_map_table
from explaind.report.tables.outputs import output_name, output_unit
from explaind.report.tables.phases import Phases, find_phases
from explaind.report.tables.steps import decomposition_by_step, influence_by_component


@dataclass(frozen=True)
class GrokkingTables:
    """All numbers of the page.

    Attributes:
        metrics: one row per step.
        phases: memorisation and generalisation steps.
        components: influence per step and component, see `influence_by_component`.
        decomposition: what changed the output at each step, see `decomposition_by_step`.
        completeness: the terms of the final output per sample, see `decomposition_by_sample`.
        outputs: true and reformulated outputs, see `output_table`.
        maps: influence by class, see `class_maps`.
        samples: influence by sample, see `sample_map`; None if too large for a page.
        statistics: the numbers of `validation.json`.
        train_samples: number of training samples.
        output: plain name of the explained output.
        unit: its unit.
        smoothing: steps of the moving average.
    """

    metrics: pd.DataFrame
    phases: Phases
    components: pd.DataFrame
    decomposition: pd.DataFrame
    completeness: pd.DataFrame
    outputs: pd.DataFrame
    maps: xr.DataArray
    samples: xr.DataArray | None
    statistics: Mapping[str, Any]
    train_samples: int
    output: str
    unit: str
    smoothing: int

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "curves": self.metrics,
            "components": self.components,
            "decomposition": self.decomposition,
            "completeness": self.completeness,
            "agreement": self.outputs,
            "class_maps": class_map_table(self.maps),
            "sample_map": sample_map_table(self.samples),
        }


def read(sources: Sources, settings: GrokkingSettings) -> GrokkingTables:
    """Gather the numbers of the page.

    Args:
        sources: what the run left on disk.
        settings: the options of the page.

    Returns:
        The numbers.
    """
    influence, data = sources.influence, sources.dataset
    assert isinstance(data, ModuloDataset)  # checked with the config
    return GrokkingTables(
        metrics=sources.metrics,
        phases=find_phases(sources.metrics),
        components=influence_by_component(influence),
        decomposition=decomposition_by_step(influence),
        completeness=decomposition_by_sample(influence),
        outputs=output_table(sources.validation),
        # the model may have more outputs, for tokens that are no results
        maps=class_maps(influence, data.p),
        samples=sample_map(influence, MAX_SAMPLE_PAIRS),
        statistics=sources.statistics,
        train_samples=influence.sizes["train"],
        output=output_name(influence),
        unit=output_unit(influence),
        smoothing=settings.smoothing,
    )
