"""Config of the pages on a training."""

from typing import Literal

from pydantic import Field

from explaind.config.experiment import ExperimentSettings


class TrainingSettings(ExperimentSettings):
    """How a network learned, step by step."""

    kind: Literal["training"] = "training"
    smoothing: int = Field(25, ge=1, description="Steps of the moving average; 1 = none.")
