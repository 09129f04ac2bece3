"""Config of the pages on grokking."""

from typing import ClassVar, Literal

from pydantic import Field

from explaind.config.experiment import ExperimentSettings


class GrokkingSettings(ExperimentSettings):
    """How a run on modular addition grokked, explained."""

    of_datasets: ClassVar[tuple[str, ...]] = ("modulo",)

    kind: Literal["grokking"] = "grokking"
    smoothing: int = Field(25, ge=1, description="Steps of the moving average; 1 = none.")
