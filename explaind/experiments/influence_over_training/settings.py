"""Config of influence over training."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from explaind.config.base import Section, canonical
from explaind.config.experiment import ExperimentSettings

Window = Annotated[int, Field(ge=1)]


class OverTrainingPage(Section):
    """Options of the page on influence over training, which alone is drawn again."""

    smoothing: Annotated[tuple[Window, ...], AfterValidator(canonical)] = Field(
        (1, 5, 25, 101),
        min_length=1,
        description="Steps of the moving averages that can be chosen; 1 = none.",
    )


class InfluenceOverTrainingSettings(ExperimentSettings):
    """Training data against regularisation, component by component, over the training."""

    only_rounding: ClassVar[tuple[str, ...]] = ("block",)
    needs_classes: ClassVar[bool] = True

    kind: Literal["influence_over_training"] = "influence_over_training"
    samples: int = Field(
        16,
        ge=1,
        description="Validation samples whose parameter-wise parts are computed, the first ones.",
    )
    intervals: int = Field(
        40, ge=1, description="Equal training intervals that the parts are added up over."
    )
    block: int = Field(
        64, ge=1, description="Samples worked on in a block; fewer take less memory and more time."
    )
    page: OverTrainingPage = Field(OverTrainingPage(), description="Options of the page.")
