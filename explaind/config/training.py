"""Config of the training loop."""

from typing import Annotated, Literal

from pydantic import Field

from explaind.config.base import Device, Section
from explaind.config.optimizer import AdamW, Optimizer


class History(Section):
    """How densely the training path is stored."""

    every: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        1,
        description="Steps between stored parameters; 1 = all are stored, more = those between are "
        "trained again when read; auto = balances disk and memory.",
    )


class Training(Section):
    """How a model is trained and its path recorded."""

    loss: Literal["nll", "cross_entropy"] = Field(
        "nll",
        description="Mean negative log-likelihood, in nat: nll of log-probabilities, cross_entropy "
        "of logits.",
    )
    optimizer: Optimizer = Field(AdamW(), description="The optimizer and its settings.")
    batch_size: int | None = Field(None, ge=1, description="Samples per step; null = full batch.")
    max_steps: int = Field(1500, ge=1, description="Steps after which training ends anyway.")
    stop_at_accuracy: float | None = Field(
        1.0, gt=0, le=1, description="Stop once train and validation reach it; null = never."
    )
    clip_norm: float | None = Field(
        None, gt=0, description="Largest L2 norm of the gradient; null = no clipping."
    )
    history: History = Field(History(), description="How densely the path is stored.")
    seed: int = Field(43, ge=0, description="Seed of the order of the samples.")
    device: Device = Field("auto", description="Where it runs; auto = GPU if there is one.")
