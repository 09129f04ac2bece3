"""Config of the figures, one section per page and a kind for every sort of page."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from explaind.config.base import Index, Name, Section, canonical


class Figure(Section):
    """What every figure needs."""

    shows: ClassVar[dict[str, str]] = {}
    """Keys that name an experiment on the run, with its kind."""

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

    shows: ClassVar[dict[str, str]] = {"experiment": "pruning"}

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


class SanityFigure(Figure):
    """Whether influence finds wrong labels, and predicts what removing training samples does."""

    shows: ClassVar[dict[str, str]] = {
        "label_noise": "label_noise",
        "leave_group_out": "leave_group_out",
    }

    kind: Literal["sanity"] = "sanity"
    run: Name = Field("digits", description="The run that is shown.")
    label_noise: Name = Field("label_noise", description="The experiment with wrong labels on it.")
    leave_group_out: Name = Field(
        "leave_group_out", description="The experiment without groups of samples on it."
    )


AnyFigure = Annotated[
    GrokkingFigure
    | TrainingFigure
    | EpkValidationFigure
    | PruningFigure
    | ExamplesFigure
    | SanityFigure,
    Field(discriminator="kind"),
]
