"""Config of the experiment on the consistency of feature importance."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from explaind.choices import AnyFeatureMethodName
from explaind.config.base import canonical
from explaind.config.experiment import EncoderExperimentSettings, Seed

Fraction = Annotated[float, Field(gt=0, le=1)]


class FeatureConsistencySettings(EncoderExperimentSettings):
    """Hide the most important features of test inputs and see how far representations move."""

    kind: Literal["feature_consistency"] = "feature_consistency"
    samples: int | None = Field(None, ge=1, description="Test samples, the first ones; null = all.")
    methods: tuple[AnyFeatureMethodName, ...] = Field(
        (
            "integrated_gradients",
            "gradient_shap",
            "saliency",
            "occlusion",
            "brightest",
            "random_lit",
            "random",
        ),
        min_length=1,
        description="Methods, and the controls brightest, random_lit (where the input is not the "
        "baseline) and random. deep_lift is for encoders without layer norm and LSTM.",
    )
    fractions: Annotated[tuple[Fraction, ...], AfterValidator(canonical), Field(min_length=1)] = (
        Field(
            (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.5, 0.8),
            description="Fractions of pixels or time steps that are hidden; 1 is always there.",
        )
    )
    baseline: Literal["constant", "blurred"] = Field(
        "constant",
        description="What hides a feature. constant: black, or the mean normal series; blurred: "
        "the image itself by a Gaussian of 5 pixels, as published for SimCLR.",
    )
    steps: int = Field(50, ge=1, description="Points of integrated_gradients, as published.")
    points: int = Field(5, ge=1, description="Random points of gradient_shap, as published.")
    window: int = Field(2, ge=1, description="Side of the windows of occlusion.")
    seed: Seed = Field(1, description="Seed of what is random.")
