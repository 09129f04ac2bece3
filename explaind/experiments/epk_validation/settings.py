"""Config of the pages on how exact an explanation is."""

from typing import Literal

from explaind.config.experiment import ExperimentSettings


class EpkValidationSettings(ExperimentSettings):
    """How exact the path kernel is."""

    kind: Literal["epk_validation"] = "epk_validation"
