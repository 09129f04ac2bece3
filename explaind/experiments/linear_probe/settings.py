"""Config of the linear probe of encoders."""

from typing import Literal

from pydantic import Field

from explaind.config.experiment import EncoderExperimentSettings


class LinearProbeSettings(EncoderExperimentSettings):
    """Train a linear classifier on representations, which stay as they are."""

    kind: Literal["linear_probe"] = "linear_probe"
    penalty: float = Field(
        1.0, gt=0, description="Inverse of the L2 penalty of the weights (scikit-learn's C)."
    )
    iterations: int = Field(
        1000, ge=1, description="Steps of L-BFGS, at most; one that needs more is refused."
    )
