"""The numbers of the page on frequencies."""

from dataclasses import dataclass

import pandas as pd

from explaind.choices import Credit
from explaind.experiments.spectrum.settings import SpectrumSettings
from explaind.report.sources import Sources
from explaind.report.tables.steps import credit

MATRIX = ["source", "functional", "component"]


@dataclass(frozen=True)
class SpectrumTables:
    """All numbers of the page.

    Attributes:
        metrics: one row per step.
        spectrum: the table of the experiment; its first interval of a matrix is the whole run or
            the trained network.
        keys: see `key_frequencies`.
        credit: the step that influence by interval is booked at.
        key_share: share of the power from which a frequency is a key frequency.
    """

    metrics: pd.DataFrame
    spectrum: pd.DataFrame
    keys: pd.DataFrame
    credit: Credit
    key_share: float

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"spectrum": self.spectrum, "key_frequencies": self.keys}


def read(sources: Sources, settings: SpectrumSettings) -> SpectrumTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.
        settings: the section of the config.

    Returns:
        The numbers.
    """
    spectrum, share = sources.result("spectrum"), settings.page.key_share
    return SpectrumTables(
        metrics=sources.metrics,
        spectrum=spectrum,
        keys=key_frequencies(spectrum, share),
        credit=credit(sources.influence),
        key_share=share,
    )


def key_frequencies(spectrum: pd.DataFrame, share: float) -> pd.DataFrame:
    """Find the key frequencies of every matrix, by both methods.

    Args:
        spectrum: the table of the experiment.
        share: share of the power from which a frequency is a key frequency.

    Returns:
        One row per matrix and interval: `source`, `functional`, `component`, `interval`, `start`,
        `stop`; `projection`, the key frequencies of the projection, and `lasso`, those that the
        Lasso keeps, each the strongest first; `in_lasso`, how many of the former are among the
        latter; `lasso_power`, the share of the power that the latter have; and `explained`, the
        share of the variance of the matrix that all frequencies explain.
    """
    rows = []
    for case, table in spectrum.groupby([*MATRIX, "interval", "start", "stop"], sort=False):
        names = [*MATRIX, "interval", "start", "stop"]
        ordered = table.sort_values("share", ascending=False, kind="stable")
        kept = table[table["lasso_share"] > 0]
        kept = kept.sort_values("lasso_share", ascending=False, kind="stable")
        projection = ordered.loc[ordered["share"] >= share, "frequency"].tolist()
        found = kept["frequency"].tolist()
        rows.append(
            {
                **dict(zip(names, case, strict=True)),
                "projection": _listed(projection),
                "lasso": _listed(found),
                "in_lasso": len(set(projection) & set(found)),
                "lasso_power": float(kept["share"].sum()),
                "explained": float(table["explained"].iloc[0]),
            }
        )
    return pd.DataFrame(rows)


def _listed(frequencies: list[int]) -> str:
    return " ".join(map(str, frequencies))
