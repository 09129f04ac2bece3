"""Config of the experiment without groups of training samples."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from explaind.choices import SAMPLES_PER_PASS
from explaind.config.base import canonical
from explaind.config.experiment import ExperimentSettings

Share = Annotated[float, Field(gt=0, lt=1)]


class LeaveGroupOutSettings(ExperimentSettings):
    """Train without groups of training samples; compare what changes with what influence says."""

    only_rounding: ClassVar[tuple[str, ...]] = ("block",)
    needs_classes: ClassVar[bool] = True

    kind: Literal["leave_group_out"] = "leave_group_out"
    targets: int = Field(
        16,
        ge=1,
        description="Validation samples, drawn at random, whose logit margin is looked at.",
    )
    shares: Annotated[tuple[Share, ...], AfterValidator(canonical)] = Field(
        (0.05, 0.1, 0.2),
        min_length=1,
        description="Shares of the training samples that are removed: the most helpful, the most "
        "harmful and random ones.",
    )
    draws: int = Field(
        3,
        ge=1,
        description="Random groups of each share; they have no sample in common as long as draws "
        "times share is at most 1.",
    )
    seed: int = Field(0, ge=0, description="Seed of the targets and of the random groups.")
    block: int = Field(
        SAMPLES_PER_PASS,
        ge=1,
        description="Samples explained in a block; fewer take less memory and more time.",
    )
