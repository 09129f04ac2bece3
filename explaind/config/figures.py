"""Config of the figures, one section per page and a kind for every sort of page."""

from typing import Annotated, Literal

from pydantic import Field

from explaind.config.base import Name, Section


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


AnyFigure = Annotated[
    GrokkingFigure | TrainingFigure | EpkValidationFigure | PruningFigure,
    Field(discriminator="kind"),
]
