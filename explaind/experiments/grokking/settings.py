"""Config of the pages on grokking."""

from typing import ClassVar, Literal

from explaind.config.experiment import ExperimentSettings


class GrokkingSettings(ExperimentSettings):
    """How a run on modular addition grokked, explained."""

    of_datasets: ClassVar[tuple[str, ...]] = ("modulo",)

    kind: Literal["grokking"] = "grokking"
