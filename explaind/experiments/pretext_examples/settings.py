"""Config of the experiment on pretext tasks and examples."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from explaind.config.base import Name
from explaind.config.experiment import EncoderExperimentSettings, several


class PretextExamplesSettings(EncoderExperimentSettings):
    """Correlate which training samples encoders trained for different tasks find nearest."""

    kind: Literal["pretext_examples"] = "pretext_examples"
    encoders: Annotated[tuple[Name, ...], BeforeValidator(several), Field(min_length=2)] = Field(
        description="The encoders, one for each task; independent ones have different seeds."
    )
    samples: int | None = Field(None, ge=2, description="Test samples, the first ones; null = all.")
    train_samples: int = Field(
        1000, ge=2, description="Training samples, the first ones, as many of each class."
    )
    shown: int = Field(4, ge=1, description="Test samples that are shown, of a class each.")
    nearest: int = Field(3, ge=1, description="Nearest training samples that are shown of each.")
