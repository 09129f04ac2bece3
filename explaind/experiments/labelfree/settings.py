"""Config of the page with the claims about label-free explanations."""

from typing import Literal

from pydantic import Field

from explaind.config.experiment import EncoderExperimentSettings, Names


class LabelfreeSettings(EncoderExperimentSettings):
    """Judge the claims about label-free explanations, on any datasets."""

    kind: Literal["labelfree"] = "labelfree"
    feature_consistency: Names = Field(
        (), description="Experiments of that kind, or the one; null leaves the claim out."
    )
    example_consistency: Names = Field((), description="Likewise.")
    pretext_features: Names = Field((), description="Likewise.")
    pretext_examples: Names = Field((), description="Likewise.")
    disentanglement: Names = Field((), description="Likewise.")
    encoder_and_model: Names = Field((), description="Likewise.")
    roar: Names = Field((), description="Likewise.")
