"""Config of the pages on a training."""

from typing import Literal

from explaind.config.experiment import ExperimentSettings


class TrainingSettings(ExperimentSettings):
    """Loss, accuracy and norms over training."""

    kind: Literal["training"] = "training"
