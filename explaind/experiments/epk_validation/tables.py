"""The numbers of a page on how far the path kernel can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from explaind.experiments.epk_validation.settings import EpkValidationSettings
from explaind.report.sources import Sources
from explaind.report.tables.agreement import decomposition_by_sample, output_table, sizes_by_step
from explaind.report.tables.outputs import output_name, output_unit
from explaind.report.tables.phases import Phases, find_phases
from explaind.report.tables.steps import decomposition_by_step


@dataclass(frozen=True)
class ValidationTables:
    """All numbers of the page.

    Attributes:
        phases: memorisation and generalisation steps.
        statistics: the numbers of `validation.json`.
        outputs: true and reformulated outputs, see `output_table`.
        steps: sizes per step over all outputs, see `sizes_by_step`.
        decomposition: what changed the explained output, see `decomposition_by_step`.
        completeness: the terms of the final output per sample, see `decomposition_by_sample`.
        output: plain name of the explained output.
        unit: its unit.
    """

    phases: Phases
    statistics: Mapping[str, Any]
    outputs: pd.DataFrame
    steps: pd.DataFrame
    decomposition: pd.DataFrame
    completeness: pd.DataFrame
    output: str
    unit: str

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "statistics": pd.DataFrame(list(self.statistics.items()), columns=["name", "value"]),
            "outputs": self.outputs,
            "steps": self.steps,
            "decomposition": self.decomposition,
            "completeness": self.completeness,
        }


def read(sources: Sources, _: EpkValidationSettings) -> ValidationTables:
    """Gather the numbers of the page.

    Args:
        sources: what the run left on disk.

    Returns:
        The numbers.
    """
    influence, validation = sources.influence, sources.validation
    return ValidationTables(
        phases=find_phases(sources.metrics),
        statistics=sources.statistics,
        outputs=output_table(validation),
        steps=sizes_by_step(validation),
        decomposition=decomposition_by_step(influence),
        completeness=decomposition_by_sample(influence),
        output=output_name(influence),
        unit=output_unit(influence),
    )
