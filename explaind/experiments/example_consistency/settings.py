"""Config of the experiment on the consistency of example importance."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from explaind.config.base import canonical
from explaind.config.experiment import EncoderExperimentSettings

Fraction = Annotated[float, Field(gt=0, le=1)]
Method = Literal[
    "path_kernel",
    "simplex",
    "dknn",
    "cosine",
    "influence_functions",
    "tracin",
    "gradient_product",
]


class ExampleConsistencySettings(EncoderExperimentSettings):
    """Count how many of the most and least important training samples have the same label."""

    kind: Literal["example_consistency"] = "example_consistency"
    train_samples: int = Field(
        1000,
        ge=2,
        description="Training samples that are scored, the first ones of each class; of those that "
        "the encoder was trained on.",
    )
    samples: int = Field(1000, ge=1, description="Test samples, the first ones of each class.")
    methods: tuple[Method, ...] = Field(
        (
            "path_kernel",
            "simplex",
            "dknn",
            "cosine",
            "influence_functions",
            "tracin",
            "gradient_product",
        ),
        min_length=1,
        description="Methods; path_kernel and tracin are for encoders with history.",
    )
    fractions: Annotated[tuple[Fraction, ...], AfterValidator(canonical), Field(min_length=1)] = (
        Field(
            (0.05, 0.1, 0.2, 0.5, 0.7, 1.0),
            description="Fractions of the training samples that are selected; 1 is always there.",
        )
    )
    checkpoints: int = Field(10, ge=1, description="Checkpoints of tracin.")
    damping: float = Field(
        0.01,
        gt=0,
        description="Damping of influence_functions, relative to the largest eigenvalue of the "
        "curvature.",
    )
    tolerance: float = Field(1e-3, gt=0, description="Relative residual of its solver.")
    evenness: float = Field(
        1e-4, gt=0, description="What even weights are worth to simplex (labelfree.simplex)."
    )
