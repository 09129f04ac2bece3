"""Config of the pages on single images."""

from typing import ClassVar, Literal

from pydantic import Field

from explaind.config.experiment import ExperimentSettings


class ExamplesSettings(ExperimentSettings):
    """Single validation images and the training images that mattered most to them."""

    needs_classes: ClassVar[bool] = True

    kind: Literal["examples"] = "examples"
    samples: int = Field(
        4,
        ge=1,
        description="Explained validation samples that are shown: wrong predictions first, then "
        "the least confident ones.",
    )
    shown: int = Field(
        5, ge=1, description="Training images shown per side, at most as many as `top` keeps."
    )
