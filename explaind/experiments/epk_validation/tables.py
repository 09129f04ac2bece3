"""The numbers of a page on how far the path kernel can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from explaind.experiments.epk_validation.settings import EpkValidationSettings
from explaind.report.sources import Sources
from explaind.report.tables.agreement import output_table, sizes_by_step
from explaind.report.tables.explained import Explained, explained_output
from explaind.report.tables.steps import decomposition_by_step


@dataclass(frozen=True)
class ValidationTables:
    """All numbers of the page.

    Attributes:
        explained: the explained output.
        statistics: the numbers of `validation.json`.
        outputs: true and reformulated outputs, see `output_table`.
        steps: sizes per step over all outputs, see `sizes_by_step`.
        decomposition: what changed the explained output, see `decomposition_by_step`.
        output_unit: unit of the outputs of the model, all of which are rebuilt.
    """

    explained: Explained
    statistics: Mapping[str, Any]
    outputs: pd.DataFrame
    steps: pd.DataFrame
    decomposition: pd.DataFrame
    output_unit: str

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "statistics": pd.DataFrame(
                [(name, value) for name, value in self.statistics.items() if name != "unit"],
                columns=["name", "value"],
            ),
            "outputs": self.outputs,
            "steps": self.steps,
            "decomposition": self.decomposition,
            "completeness": self.explained.completeness,
            "cancellation": self.explained.cancellation,
        }


def read(sources: Sources, _: EpkValidationSettings) -> ValidationTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.

    Returns:
        The numbers.
    """
    influence, validation = sources.influence, sources.validation
    return ValidationTables(
        explained=explained_output(influence, sources.metrics),
        statistics=sources.statistics,
        outputs=output_table(validation),
        steps=sizes_by_step(validation),
        decomposition=decomposition_by_step(influence),
        output_unit=str(validation["true"].attrs["units"]),
    )
