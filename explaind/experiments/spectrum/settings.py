"""Config of the experiment on frequencies."""

from typing import ClassVar, Literal

from pydantic import Field

from explaind.config.base import Name, Section
from explaind.config.experiment import ExperimentSettings


class SpectrumPage(Section):
    """What the page shows."""

    key_share: float = Field(
        0.1, gt=0, lt=1, description="Share of the power from which a frequency is a key frequency."
    )


class SpectrumSettings(ExperimentSettings):
    """Decompose weights, similarity and influence into waves over the sum modulo p."""

    of_datasets: ClassVar[tuple[str, ...]] = ("modulo",)

    kind: Literal["spectrum"] = "spectrum"
    similarity: Name = Field("similarity", description="The experiment that compared the samples.")
    tensors: tuple[str, ...] = Field(
        ("embedding.weight", "decoder.weight"),
        min_length=1,
        description="Parameter tensors with a row for each number from 0 to p - 1.",
    )
    checkpoints: int = Field(
        40, ge=1, description="Evenly spaced steps at which these are decomposed, and the last one."
    )
    alpha: float = Field(0.001, gt=0, description="Penalty of the Lasso; 0.001 as published.")
    page: SpectrumPage = SpectrumPage()
