"""Config of the experiment on pretext tasks and features."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from explaind.config.base import Name
from explaind.config.experiment import EncoderExperimentSettings, Seed, several

Method = Literal["gradient_shap", "integrated_gradients", "saliency"]


class PretextFeaturesSettings(EncoderExperimentSettings):
    """Correlate what encoders trained for different tasks find important in an input."""

    kind: Literal["pretext_features"] = "pretext_features"
    encoders: Annotated[tuple[Name, ...], BeforeValidator(several), Field(min_length=2)] = Field(
        description="The encoders, one for each task; independent ones have different seeds."
    )
    samples: int | None = Field(None, ge=2, description="Test samples, the first ones; null = all.")
    methods: tuple[Method, ...] = Field(
        ("gradient_shap", "integrated_gradients", "saliency"),
        min_length=1,
        description="Methods of attribution, of the label-free function of each encoder.",
    )
    points: int = Field(
        5, ge=1, description="Random points for each sample of gradient_shap, as published."
    )
    steps: int = Field(50, ge=1, description="Points of integrated_gradients, as published.")
    seed: Seed = Field(1, description="Seed of the random points.")
    shown: int = Field(
        4, ge=1, description="Test samples whose importances are kept, of a class each."
    )
