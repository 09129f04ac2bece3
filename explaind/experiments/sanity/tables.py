"""The numbers of the page with the sanity checks."""

from dataclasses import dataclass

import pandas as pd

from explaind.experiments.label_noise.tables import (
    auc_comparison,
    auc_means,
    detection_aucs,
    mean_roc_curves,
    noise_power,
    resampled_curves,
)
from explaind.experiments.leave_group_out.tables import group_correlations, group_means
from explaind.experiments.sanity.settings import SanitySettings
from explaind.report.sources import Sources


@dataclass(frozen=True)
class SanityTables:
    """All numbers of the page.

    Attributes:
        noise: the table of the experiment `label_noise`.
        power: see `noise_power`.
        roc: see `mean_roc_curves`.
        aucs: see `detection_aucs`.
        auc_means: see `auc_means`.
        auc_comparison: see `auc_comparison`.
        targets: the table of the experiment `leave_group_out`.
        groups: see `group_means`.
        correlations: see `group_correlations`.
    """

    noise: pd.DataFrame
    power: float
    roc: pd.DataFrame
    aucs: pd.DataFrame
    auc_means: pd.DataFrame
    auc_comparison: pd.DataFrame
    targets: pd.DataFrame
    groups: pd.DataFrame
    correlations: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "roc": self.roc,
            "aucs": self.aucs,
            "auc_comparison": self.auc_comparison,
            "groups": self.groups,
            "correlations": self.correlations,
            "targets": self.targets,
        }


def read(sources: Sources, _: SanitySettings) -> SanityTables:
    """Work the numbers of the page out of the results of both experiments.

    Args:
        sources: what the run left on disk.

    Returns:
        The numbers.
    """
    noise, targets = sources.result("label_noise"), sources.result("leave_group_out")
    aucs, resampled = detection_aucs(noise), resampled_curves(noise)
    return SanityTables(
        noise=noise,
        power=noise_power(noise),
        roc=mean_roc_curves(noise, resampled),
        aucs=aucs,
        auc_means=auc_means(aucs, resampled),
        auc_comparison=auc_comparison(aucs, resampled),
        targets=targets,
        groups=group_means(targets),
        correlations=group_correlations(targets),
    )
