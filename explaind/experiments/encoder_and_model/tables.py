"""What the experiment `encoder_and_model` measured, over the trainings."""

from dataclasses import dataclass

import pandas as pd

from explaind.experiments.encoder_and_model.settings import EncoderAndModelSettings
from explaind.report.sources import Sources
from explaind.report.tables.confidence import mean_and_margin


@dataclass(frozen=True)
class AgreementTables:
    """All numbers of the page.

    Attributes:
        replicates: the table of the experiment.
        agreement: see `mean_agreement`.
    """

    replicates: pd.DataFrame
    agreement: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"replicates": self.replicates, "agreement": self.agreement}


def read(sources: Sources, _: EncoderAndModelSettings) -> AgreementTables:
    """Work the numbers of the page out of the result of the experiment.

    Args:
        sources: what lies on disk.

    Returns:
        The numbers.
    """
    replicates = sources.result("encoder_and_model")
    return AgreementTables(replicates, mean_agreement(replicates))


def mean_agreement(replicates: pd.DataFrame) -> pd.DataFrame:
    """Average over the trainings.

    Args:
        replicates: the table of the experiment.

    Returns:
        One row per method and output: `method`, `output`, `mean` correlation, `margin`, half its
        95 % interval by Student's t (NaN for a single training), and `trainings`.
    """
    rows = []
    for (method, output), own in replicates.groupby(["method", "output"], sort=False):
        values = own["correlation"].to_numpy()
        mean, margin = mean_and_margin(values)
        rows.append(
            {
                "method": method,
                "output": output,
                "mean": float(mean),
                "margin": float(margin),
                "trainings": len(values),
            }
        )
    return pd.DataFrame(rows)
