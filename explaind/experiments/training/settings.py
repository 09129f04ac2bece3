"""Config of the pages on a training."""

from typing import ClassVar, Literal

from pydantic import Field

from explaind.config.experiment import ExperimentSettings


class TrainingSettings(ExperimentSettings):
    """How a network learned, step by step."""

    takes_groups: ClassVar[bool | None] = None  # what it shows of influence is summed over training

    kind: Literal["training"] = "training"
    smoothing: int = Field(25, ge=1, description="Steps of the moving average; 1 = none.")
