"""Config of the training loop."""

from typing import Annotated, Literal, get_args

from pydantic import Discriminator, Field, Tag, model_validator

from explaind.config.base import Device, Reference, Section, kind_or
from explaind.config.optimizer import AdamW, Optimizer

OfClasses = Literal["nll", "cross_entropy"]
Loss = OfClasses | Literal["token_cross_entropy", "squared_error"] | Reference
"""Training losses; what else belongs to each stands in `explaind.training.task`."""

CLASSIFICATION: tuple[str, ...] = get_args(OfClasses)
"""Losses of telling classes apart: these have an accuracy, a target class and margins."""

OF_NUMBERS = ("all", "loss", "logit[c]")
"""Outputs that can be explained of any loss, whatever its targets are."""

EXPLAINED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(CLASSIFICATION, ("target_logprob", "margin", *OF_NUMBERS)),
    "token_cross_entropy": (  # not all: a score for every token at every position
        "mean_logprob",
        "sum_logprob",
        "target_logprob",
        "margin",
        "loss",
        "logit[c]",
    ),
    "squared_error": OF_NUMBERS,
}
"""Outputs that can be explained (`epk.functional`), by loss; losses of one's own: `OF_NUMBERS`."""


def explained(loss: str) -> tuple[str, ...]:
    """Return the outputs that can be explained with a loss; `logit[c]` stands for every c."""
    return EXPLAINED.get(loss, OF_NUMBERS)


class History(Section):
    """How densely the training path is stored."""

    every: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        1,
        description="Steps between stored parameters; 1 = all are stored, more = those between are "
        "trained again when read; auto = balances disk and memory.",
    )


class ConstantSchedule(Section):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"


class TriangularSchedule(Section):
    """The learning rate rises linearly from 0 to its full value and falls to 0 at the end."""

    kind: Literal["triangular"] = "triangular"
    peak_epoch: float = Field(5.0, gt=0, description="Epochs after which it is at its full value.")


Schedule = Annotated[
    Annotated[ConstantSchedule, Tag("constant")] | Annotated[TriangularSchedule, Tag("triangular")],
    Discriminator(kind_or("constant")),
]


class Training(Section):
    """How a model is trained and its path recorded."""

    loss: Loss = Field(
        "nll",
        description="Mean over the samples of: nll of log-probabilities, cross_entropy of logits, "
        "token_cross_entropy of the next token at every position of a text (all in nat), "
        "squared_error (mean over the outputs), or a function of your own, package.module:name, of "
        "outputs and targets that returns one number per sample.",
    )
    optimizer: Optimizer = Field(AdamW(), description="The optimizer and its settings.")
    batch_size: int | None = Field(None, ge=1, description="Samples per step; null = full batch.")
    max_steps: int | None = Field(
        1500, ge=1, description="Steps after which training ends anyway; or give epochs."
    )
    epochs: int | None = Field(
        None, ge=1, description="Passes over the training samples; then set max_steps to null."
    )
    schedule: Schedule = Field(
        ConstantSchedule(), description="How the learning rate changes, step by step."
    )
    stop_at_accuracy: float | None = Field(
        1.0, gt=0, le=1, description="Stop once train and validation reach it; null = never."
    )
    augmentation: Literal["horizontal_flip"] | None = Field(
        None, description="Images are mirrored in half of the epochs, at random; null = never."
    )
    clip_norm: float | None = Field(
        None, gt=0, description="Largest L2 norm of the gradient; null = no clipping."
    )
    history: History = Field(History(), description="How densely the path is stored.")
    seed: int = Field(43, ge=0, description="Seed of the order of the samples.")
    device: Device = Field("auto", description="Where it runs; auto = GPU if there is one.")

    @model_validator(mode="after")
    def _check_length(self) -> "Training":
        if (self.max_steps is None) == (self.epochs is None):
            raise ValueError(
                "expected exactly one of max_steps and epochs, got "
                f"{self.max_steps} and {self.epochs}; set the other one to null"
            )
        return self

    def batches_per_epoch(self, samples: int) -> int:
        """Return the steps of an epoch of so many samples; the last batch may be short."""
        return -(-samples // (self.batch_size or samples))

    def steps(self, samples: int) -> int:
        """Return the steps after which training on so many samples ends anyway."""
        if self.max_steps is not None:
            return self.max_steps
        assert self.epochs is not None  # checked above
        return self.epochs * self.batches_per_epoch(samples)
