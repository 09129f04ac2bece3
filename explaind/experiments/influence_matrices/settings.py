"""Config of the influence matrices."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from explaind.choices import Credit
from explaind.config.base import canonical
from explaind.config.experiment import ExperimentSettings

StepNumber = Annotated[int, Field(ge=0)]


class InfluenceMatricesSettings(ExperimentSettings):
    """Influence of every training sample on every explained one, in single steps as well."""

    of_datasets: ClassVar[tuple[str, ...]] = ("modulo",)

    kind: Literal["influence_matrices"] = "influence_matrices"
    steps: Annotated[tuple[StepNumber, ...], AfterValidator(canonical)] | None = Field(
        None,
        description="Single steps that have a matrix of their own; null = where the run memorised, "
        "where it generalised, and half-way.",
    )
    samples: int | None = Field(
        None, ge=1, description="Explained samples of these, the first ones; null = all of the run."
    )
    credit: Credit = Field(
        "gradient_step",
        description="What a matrix of a single step holds: what the gradients of the step did, or "
        "(application_step) what moved the parameters in it, as in the paper. The second takes as "
        "many gradients of all training samples as momentum remembers steps.",
    )
