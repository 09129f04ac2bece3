"""Config of the pages with the sanity checks."""

from typing import Literal

from pydantic import Field

from explaind.config.base import Name
from explaind.config.experiment import ExperimentSettings


class SanitySettings(ExperimentSettings):
    """Whether influence finds flipped labels, and predicts what removing training samples does."""

    kind: Literal["sanity"] = "sanity"
    label_noise: Name = Field(
        "label_noise", description="The experiment with flipped labels on the run."
    )
    leave_group_out: Name = Field(
        "leave_group_out", description="The experiment without groups of samples on the run."
    )
