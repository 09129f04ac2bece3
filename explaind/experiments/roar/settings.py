"""Config of the experiment that removes important pixels and trains again."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from explaind.choices import FeatureMethodName
from explaind.config.experiment import EncoderExperimentSettings

Fraction = Annotated[float, Field(gt=0, le=1)]


class RoarSettings(EncoderExperimentSettings):
    """Train autoencoders again without the pixels that a method calls most important."""

    kind: Literal["roar"] = "roar"
    methods: tuple[FeatureMethodName, ...] = Field(
        ("gradient_shap", "integrated_gradients", "random"),
        min_length=1,
        description="Methods of feature importance, and the control.",
    )
    fractions: tuple[Fraction, ...] = Field(
        (0.1, 0.2, 0.5, 0.7, 1.0),
        min_length=1,
        description="Fractions of the pixels that are removed.",
    )
    steps: int = Field(50, ge=1, description="Points of integrated gradients.")


def parts(settings: RoarSettings) -> Mapping[str, RoarSettings]:
    """Return the settings of the parts: a job for each method and fraction."""
    return {
        f"{method}-{fraction:g}": settings.model_copy(
            update={"methods": (method,), "fractions": (fraction,)}
        )
        for method in settings.methods
        for fraction in settings.fractions
    }
