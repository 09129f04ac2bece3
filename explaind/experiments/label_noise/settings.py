"""Config of the experiment with flipped labels."""

from typing import ClassVar, Literal

from pydantic import Field

from explaind.choices import SAMPLES_PER_PASS
from explaind.config.experiment import ExperimentSettings, Seeds


class LabelNoiseSettings(ExperimentSettings):
    """Flip training labels, train again, and look for them by influence and by other scores."""

    only_rounding: ClassVar[tuple[str, ...]] = ("block",)
    needs_classes: ClassVar[bool] = True

    kind: Literal["label_noise"] = "label_noise"
    share: float = Field(
        0.1, gt=0, le=0.5, description="Share of the training samples whose label is flipped."
    )
    seeds: Seeds = Field(
        (1, 2, 3),
        min_length=2,
        description="Seeds of the flipped labels; the network is trained once for each.",
    )
    ranked: int | None = Field(
        None,
        ge=4,
        description="Training samples that are ranked, drawn at random with as many flipped ones "
        "in proportion; null = all.",
    )
    held_out: int | None = Field(
        None,
        ge=1,
        description="Validation samples, the first ones, that count as held-out data; null = all.",
    )
    block: int = Field(
        SAMPLES_PER_PASS,
        ge=1,
        description="Samples explained in a block; fewer take less memory and more time.",
    )
