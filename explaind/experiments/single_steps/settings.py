"""Config of single steps against the whole training."""

from typing import ClassVar, Literal

from pydantic import Field

from explaind.config.experiment import ExperimentSettings


class SingleStepsSettings(ExperimentSettings):
    """Explain single steps, spread over the training, and compare them with all of it."""

    of_datasets: ClassVar[tuple[str, ...]] = ("text",)
    takes_groups: ClassVar[bool] = True

    kind: Literal["single_steps"] = "single_steps"
    points: int = Field(
        20, ge=2, description="Steps explained, in the middles of as many equal parts."
    )
