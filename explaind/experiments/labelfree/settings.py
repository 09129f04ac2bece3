"""Config of the page with the claims about label-free explanations."""

from typing import Literal

from pydantic import Field

from explaind.config.base import Name
from explaind.config.experiment import EncoderExperimentSettings


class LabelfreeSettings(EncoderExperimentSettings):
    """Judge the claims about label-free explanations; an experiment that is null is left out."""

    kind: Literal["labelfree"] = "labelfree"
    feature_consistency: Name | None = Field(None, description="Experiment of that kind.")
    example_consistency: Name | None = Field(None, description="Likewise.")
    pretext_features: Name | None = Field(None, description="Likewise.")
    pretext_examples: Name | None = Field(None, description="Likewise.")
    disentanglement: Name | None = Field(None, description="Likewise.")
    encoder_and_model: Name | None = Field(None, description="Likewise.")
    roar: Name | None = Field(None, description="Likewise.")
