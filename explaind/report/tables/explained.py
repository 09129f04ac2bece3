"""What every page over training time says of the explained output."""

from dataclasses import dataclass

import pandas as pd
import xarray as xr

from explaind.choices import Credit
from explaind.report.tables.agreement import decomposition_by_sample
from explaind.report.tables.cancellation import cancellation
from explaind.report.tables.outputs import output_name, output_unit
from explaind.report.tables.phases import Phases, find_phases
from explaind.report.tables.steps import credit


@dataclass(frozen=True)
class Explained:
    """The explained output, and what it is made of.

    Attributes:
        output: its plain name.
        unit: its unit, "1" of a pure number.
        credit: the step that influence by interval is booked at.
        phases: memorisation and generalisation steps.
        completeness: the terms of the final output per sample, see `decomposition_by_sample`.
        cancellation: influences by sign and class, see `cancellation`.
    """

    output: str
    unit: str
    credit: Credit
    phases: Phases
    completeness: pd.DataFrame
    cancellation: pd.DataFrame


def explained_output(influence: xr.Dataset, metrics: pd.DataFrame) -> Explained:
    """Read what pages say of the explained output.

    Args:
        influence: the influence store.
        metrics: the metrics table of the run.

    Returns:
        The names and tables.
    """
    return Explained(
        output=output_name(influence),
        unit=output_unit(influence),
        credit=credit(influence),
        phases=find_phases(metrics),
        completeness=decomposition_by_sample(influence),
        cancellation=cancellation(influence),
    )
