"""Config of the experiment on the units of variational autoencoders."""

from typing import ClassVar, Literal

from pydantic import Field

from explaind.choices import SAMPLES_PER_PASS, FeatureMethodName
from explaind.config.experiment import EncoderExperimentSettings


class DisentanglementSettings(EncoderExperimentSettings):
    """Measure how much the units of variational autoencoders attend to the same pixels."""

    only_rounding: ClassVar[tuple[str, ...]] = ("block", "memory_gb")

    kind: Literal["disentanglement"] = "disentanglement"
    method: FeatureMethodName = Field(
        "gradient_shap", description="Method of feature importance; that of the paper is the first."
    )
    steps: int = Field(50, ge=1, description="Points of integrated gradients.")
    images: int | None = Field(
        None, ge=2, description="Test images that are explained, the first ones; null = all."
    )
    shown: int = Field(5, ge=1, description="Images whose maps are on the page.")
    block: int = Field(SAMPLES_PER_PASS, ge=1, description="Images explained at once.")
