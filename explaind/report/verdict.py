"""How far the explanation of a run can be trusted, in one word and one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from explaind.report.statistics import has_classes
from explaind.report.tables.metrics import has_accuracy
from explaind.report.text import number, percent, step

UNFAITHFUL = "unfaithful"


@dataclass(frozen=True)
class Limits:
    """What the reformulated outputs have to reach for a verdict.

    Attributes:
        agreement: least share of the validation samples with the same predicted class.
        divergence: largest mean KL divergence from the network, nat.
    """

    agreement: float
    divergence: float

    def hold(self, statistics: Mapping[str, Any]) -> bool:
        """Return whether the numbers of `validation.json` keep within both."""
        return bool(
            statistics["argmax_agreement"] >= self.agreement
            and statistics["kl_mean_per_sample"] <= self.divergence
        )

    def __str__(self) -> str:
        return (
            f"the same class is predicted for at least {percent(self.agreement)} of the validation"
            f" samples, at a mean KL divergence of at most {number(self.divergence)} nat"
        )


@dataclass(frozen=True)
class ErrorLimit:
    """The same where no classes are told apart.

    Attributes:
        error: largest root mean squared error, relative to the standard deviation of the outputs.
    """

    error: float

    def hold(self, statistics: Mapping[str, Any]) -> bool:
        """Return whether the number of `validation.json` keeps within it."""
        return bool(statistics["relative_error"] <= self.error)

    def __str__(self) -> str:
        return f"the relative error of the outputs is at most {percent(self.error)}"


LIMITS = {"faithful": Limits(0.99, 1e-3), "approximate": Limits(0.95, 0.05)}
"""By verdict, the strictest first; what keeps none of them is not faithful."""

ERROR_LIMITS = {"faithful": ErrorLimit(0.01), "approximate": ErrorLimit(0.1)}
"""The same where no classes are told apart."""


@dataclass(frozen=True)
class Verdict:
    """What is concluded of a run.

    Attributes:
        name: `faithful`, `approximate` or `unfaithful`.
        limits: what the name stands for.
        sentence: what the network learned and how closely it is explained.
    """

    name: str
    limits: str
    sentence: str


def verdict(metrics: pd.DataFrame, statistics: Mapping[str, Any]) -> Verdict:
    """Judge a run.

    Args:
        metrics: the metrics table, one row per step.
        statistics: the numbers of `validation.json`.

    Returns:
        The verdict.
    """
    known: Mapping[str, Limits | ErrorLimit] = LIMITS if has_classes(statistics) else ERROR_LIMITS
    name = next((name for name, limits in known.items() if limits.hold(statistics)), UNFAITHFUL)
    limits = f"not even {known['approximate']}" if name == UNFAITHFUL else str(known[name])
    return Verdict(name, limits, f"{_learned(metrics)}; {_explained(statistics)}.")


def _learned(metrics: pd.DataFrame) -> str:
    last = metrics.iloc[-1]
    steps = f"in {step(int(last['step']))} steps"
    if not has_accuracy(metrics):
        return f"Trained {steps} to a validation loss of {number(last['validation_loss'])}"
    reached = percent(last["validation_accuracy"])
    return f"Learned {steps} to predict {reached} of the validation samples"


def _explained(statistics: Mapping[str, Any]) -> str:
    if not has_classes(statistics):
        error = percent(statistics["relative_error"])
        return (
            f"its reformulation by the path kernel is off by {error} of the standard deviation of"
            " its outputs"
        )
    return (
        f"its reformulation by the path kernel predicts the same class for"
        f" {percent(statistics['argmax_agreement'])} of the {statistics['samples']:,} samples and"
        f" differs by {number(statistics['kl_mean_per_sample'], 2)} nat (KL divergence)"
    )
