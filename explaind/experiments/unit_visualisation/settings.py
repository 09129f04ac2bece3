"""Config of the experiment that searches images for units."""

from typing import Literal

from pydantic import Field

from explaind.config.experiment import EncoderExperimentSettings


class UnitVisualisationSettings(EncoderExperimentSettings):
    """Search the images that make each unit of an encoder largest, and smallest."""

    kind: Literal["unit_visualisation"] = "unit_visualisation"
    replicate: int = Field(0, ge=0, description="The replicate of each encoder that is shown.")
    steps: int = Field(1000, ge=1, description="Steps of the search.")
    learning_rate: float = Field(0.05, gt=0, description="Of Adam, for Fourier coefficients.")
    seed: int = Field(0, ge=0, description="Seed of the noise that the search starts from.")
