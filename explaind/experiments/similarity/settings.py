"""Config of the experiment on similar samples."""

from typing import ClassVar, Literal

from pydantic import Field

from explaind.config.base import Section
from explaind.config.experiment import ExperimentSettings


class SimilarityPage(Section):
    """What the page shows."""

    neighbours: int = Field(
        10, ge=1, description="Nearest and farthest samples of each sample that are looked at."
    )


class SimilaritySettings(ExperimentSettings):
    """Compare samples by what the training did to their outputs through every single parameter."""

    only_rounding: ClassVar[tuple[str, ...]] = ("block",)
    needs_classes: ClassVar[bool] = True

    kind: Literal["similarity"] = "similarity"
    samples: int = Field(
        48, ge=2, description="Validation samples, the first ones; memory grows with them."
    )
    train_samples: int = Field(
        48, ge=0, description="Training samples, the first ones, explained in the same way."
    )
    intervals: int = Field(10, ge=1, description="Equal training intervals that are told apart.")
    every: int | None = Field(
        None, ge=1, description="Steps per interval; replaces `intervals`. `null` = those."
    )
    block: int = Field(
        32, ge=1, description="Samples explained in a block; fewer take less memory and more time."
    )
    page: SimilarityPage = SimilarityPage()
