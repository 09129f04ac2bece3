"""Config of the figures, one section per page and a kind for every sort of page."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from explaind.config.base import Index, Name, Section, canonical


class Figure(Section):
    """What every figure needs."""

    kind: str
    run: Name = Field("grokking", description="The run that is shown.")


class GrokkingFigure(Figure):
    """How a run on modular addition grokked, explained."""

    kind: Literal["grokking"] = "grokking"
    smoothing: int = Field(25, ge=1, description="Steps of the moving average; 1 = none.")


class TrainingFigure(Figure):
    """Loss, accuracy and norms over training."""

    kind: Literal["training"] = "training"


class EpkValidationFigure(Figure):
    """How exact the path kernel is."""

    kind: Literal["epk_validation"] = "epk_validation"


class PruningFigure(Figure):
    """The networks of an experiment of kind pruning, compared."""

    kind: Literal["pruning"] = "pruning"
    run: Name = Field("digits", description="The run that is shown.")
    experiment: Name = Field("pruning", description="The experiment on it.")


class ExamplesFigure(Figure):
    """Single validation images and the training images that mattered most to them."""

    kind: Literal["examples"] = "examples"
    run: Name = Field("digits", description="The run that is shown.")
    samples: Annotated[tuple[Index, ...], AfterValidator(canonical)] = Field(
        (0, 1, 2, 3),
        min_length=1,
        description="Explained validation samples that are shown, counted from 0.",
    )
    shown: int = Field(
        5, ge=1, description="Training images shown per side, at most as many as `top` keeps."
    )


AnyFigure = Annotated[
    GrokkingFigure | TrainingFigure | EpkValidationFigure | PruningFigure | ExamplesFigure,
    Field(discriminator="kind"),
]
