"""Config of the swap of components."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from explaind.config.base import canonical
from explaind.config.experiment import ExperimentSettings
from explaind.experiments.component_sets import ComponentSet

Moment = Annotated[float, Field(ge=0, le=1)]


class SwapSettings(ExperimentSettings):
    """Replace components of the network at every stage by those of the trained network."""

    needs_classes: ClassVar[bool] = True

    kind: Literal["swap"] = "swap"
    every: int = Field(
        10, ge=1, description="Steps between the checkpoints that components are replaced in."
    )
    sets: tuple[ComponentSet, ...] = Field(
        (),
        description="Sets of components that are replaced together, by name; beside each single "
        "component, and all but that.",
    )
    confusion: Annotated[tuple[Moment, ...], AfterValidator(canonical)] = Field(
        (0.5, 0.75),
        description="When confusion matrices are counted, as fractions of the steps of the run.",
    )
