"""Config of the experiment that compares encoders with the classifiers they are part of."""

from typing import Literal

from pydantic import Field

from explaind.choices import FeatureMethodName
from explaind.config.experiment import EncoderExperimentSettings


class EncoderAndModelSettings(EncoderExperimentSettings):
    """Compare importance maps of encoders with those of the classifiers that they are part of."""

    kind: Literal["encoder_and_model"] = "encoder_and_model"
    methods: tuple[FeatureMethodName, ...] = Field(
        ("integrated_gradients", "gradient_shap", "saliency"),
        min_length=1,
        description="Methods of feature importance.",
    )
    steps: int = Field(50, ge=1, description="Points of integrated gradients.")
    images: int | None = Field(
        None, ge=2, description="Test images that are explained, the first ones; null = all."
    )
