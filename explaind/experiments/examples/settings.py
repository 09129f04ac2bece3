"""Config of the pages on single images."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from explaind.config.base import Index, canonical
from explaind.config.experiment import ExperimentSettings


class ExamplesSettings(ExperimentSettings):
    """Single validation images and the training images that mattered most to them."""

    kind: Literal["examples"] = "examples"
    samples: Annotated[tuple[Index, ...], AfterValidator(canonical)] = Field(
        (0, 1, 2, 3),
        min_length=1,
        description="Explained validation samples that are shown, counted from 0.",
    )
    shown: int = Field(
        5, ge=1, description="Training images shown per side, at most as many as `top` keeps."
    )
