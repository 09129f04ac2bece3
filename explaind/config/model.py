"""Config of the models."""

from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import Discriminator, Field, Tag, model_validator

from explaind.config.base import OWN, OwnSection, Section, kind_or

HeadedT = TypeVar("HeadedT", "TransformerModel", "GPTModel")


class TransformerModel(Section):
    """One transformer layer as in the paper; vocabulary and classes follow the dataset."""

    inputs: ClassVar[str] = "tokens"
    log_softmax: ClassVar[bool] = True

    kind: Literal["transformer"] = "transformer"
    width: int = Field(64, ge=1, description="Width d of the residual stream.")
    heads: int = Field(4, ge=1, description="Attention heads; must divide width.")
    mlp_width: int = Field(256, ge=1, description="Hidden units of the feed-forward block.")
    embedding_std: float = Field(
        0.25, gt=0, description="Standard deviation of the initial embedding; torch's own is 1."
    )
    seed: int = Field(2, ge=0, description="Seed of the initial parameters.")

    @model_validator(mode="after")
    def _check_heads(self) -> "TransformerModel":
        return _with_heads(self)


class ResNet9Model(Section):
    """The ResNet-9 of the paper for images of at least 11 x 11 pixels."""

    inputs: ClassVar[str] = "images"

    kind: Literal["resnet9"] = "resnet9"
    width: int = Field(
        64, ge=1, description="Channels of the first layer; the others have two or four times that."
    )
    log_softmax: bool = Field(
        True, description="Outputs are log-probabilities; false = logits, for cross_entropy."
    )
    seed: int = Field(0, ge=0, description="Seed of the initial parameters.")


class GPTModel(Section):
    """A small causal language model; vocabulary and context follow the dataset."""

    inputs: ClassVar[str] = "text"
    log_softmax: ClassVar[bool] = False

    kind: Literal["gpt"] = "gpt"
    layers: int = Field(2, ge=1, description="Layers of attention and feed-forward block.")
    width: int = Field(32, ge=1, description="Width of the residual stream.")
    heads: int = Field(4, ge=1, description="Attention heads; must divide width.")
    tied: bool = Field(False, description="Whether the output layer is the embedding.")
    seed: int = Field(0, ge=0, description="Seed of the initial parameters.")

    @model_validator(mode="after")
    def _check_heads(self) -> "GPTModel":
        return _with_heads(self)


def _with_heads(model: HeadedT) -> HeadedT:
    if model.width % model.heads:
        raise ValueError(
            f"expected heads to divide width, got width {model.width} and heads {model.heads}; "
            "change one of them"
        )
    return model


class OwnModel(OwnSection):
    """A module that a function or class of your own returns, without randomness.

    `kind` is `package.module:name`; all other keys are arguments.
    """

    inputs: ClassVar[None] = None
    log_softmax: ClassVar[bool] = False

    seed: int = Field(0, ge=0, description="Seed of the initial parameters; no argument.")


Model = Annotated[
    Annotated[TransformerModel, Tag("transformer")]
    | Annotated[ResNet9Model, Tag("resnet9")]
    | Annotated[GPTModel, Tag("gpt")]
    | Annotated[OwnModel, Tag(OWN)],
    Discriminator(kind_or("transformer")),
]
