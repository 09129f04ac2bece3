"""Config of the encoders: networks that are trained to represent inputs, in replicates."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from explaind.config.base import Device, Name, Section, kind_or
from explaind.config.dataset import Dataset
from explaind.config.optimizer import Adam, Optimizer


class ConvolutionalEncoder(Section):
    """Three strided convolutions and two linear layers; the decoder mirrors them."""

    inputs: ClassVar[str] = "images"

    kind: Literal["convolutional"] = "convolutional"
    latent: int = Field(4, ge=1, description="Numbers that represent an input.")
    channels: tuple[int, int, int] = Field(
        (8, 16, 32), description="Channels of the three convolutions."
    )
    hidden: int = Field(128, ge=1, description="Units of the hidden linear layer.")
    batch_norm: bool = Field(
        True, description="Batch norm as published; false where the training is recorded."
    )


class PooledEncoder(Section):
    """Four convolutions with layer norm and pooling, for sides that 8 divides."""

    inputs: ClassVar[str] = "images"

    kind: Literal["pooled"] = "pooled"
    latent: int = Field(16, ge=1, description="Numbers that represent an input.")
    channels: tuple[int, int, int] = Field(
        (32, 64, 128), description="Channels before each pooling; the fourth has the last again."
    )
    hidden: int = Field(128, ge=1, description="Units of the hidden linear layer.")


class RecurrentEncoder(Section):
    """Two LSTM layers; the last hidden state represents the series. The decoder mirrors them."""

    inputs: ClassVar[str] = "series"

    kind: Literal["lstm"] = "lstm"
    latent: int = Field(64, ge=1, description="Numbers that represent an input.")


class VariationalEncoder(Section):
    """The encoder of Burgess et al. (2018) for images of 8, 16, 32 or 64 pixels per side."""

    inputs: ClassVar[str] = "images"

    kind: Literal["vae"] = "vae"
    latent: int = Field(3, ge=1, description="Latent units; their means represent an input.")


class ResNetEncoder(Section):
    """ResNet-18 for small images: its first convolution keeps all pixels."""

    inputs: ClassVar[str] = "images"

    kind: Literal["resnet18"] = "resnet18"
    width: int = Field(
        64, ge=1, description="Channels of the first layer; 8 times that represent an input."
    )

    @property
    def latent(self) -> int:
        """Numbers that represent an input."""
        return 8 * self.width


EncoderModel = Annotated[
    Annotated[ConvolutionalEncoder, Tag("convolutional")]
    | Annotated[PooledEncoder, Tag("pooled")]
    | Annotated[RecurrentEncoder, Tag("lstm")]
    | Annotated[VariationalEncoder, Tag("vae")]
    | Annotated[ResNetEncoder, Tag("resnet18")],
    Discriminator(kind_or("convolutional")),
]


class _Reconstructing(Section):
    loss: Literal["mse", "l1"] = Field(
        "mse", description="Between the clean input and the output, mean over all its numbers."
    )


class Reconstruction(_Reconstructing):
    """The input is reconstructed from its representation."""

    kind: Literal["reconstruction"] = "reconstruction"


class Denoising(_Reconstructing):
    """The clean input is reconstructed from one with Gaussian noise."""

    kind: Literal["denoising"] = "denoising"
    std: float = Field(0.3, gt=0, description="Standard deviation of the noise.")


class Inpainting(_Reconstructing):
    """The input is reconstructed from one in which numbers are set to 0 at random."""

    kind: Literal["inpainting"] = "inpainting"
    dropped: float = Field(
        0.2, gt=0, lt=1, description="Probability of each number, of each channel by itself."
    )


class Classification(Section):
    """A linear layer tells the classes apart; cross-entropy of its logits."""

    kind: Literal["classification"] = "classification"


class _Variational(Section):
    beta: float = Field(1.0, ge=0, description="Weight of what the prior asks for.")
    likelihood: Literal["bernoulli", "gaussian"] = Field(
        "bernoulli",
        description="Reconstruction: cross-entropy of the pixels, or their squared error; summed "
        "over the pixels.",
    )


class BetaVae(_Variational):
    """Reconstruction and beta times the KL divergence of the latent units from their prior."""

    kind: Literal["beta_vae"] = "beta_vae"


class TcVae(_Variational):
    """The same, but beta weighs only the total correlation of the latent units."""

    kind: Literal["tc_vae"] = "tc_vae"


class Contrastive(Section):
    """SimCLR: two random views of an image are to be represented alike, other images not."""

    kind: Literal["contrastive"] = "contrastive"
    temperature: float = Field(0.2, gt=0, description="What cosines are divided by in the loss.")
    jitter: float = Field(0.5, ge=0, le=1, description="Strength of the colour jitter.")
    hidden: int = Field(2048, ge=1, description="Units of the hidden layer of the projector.")
    projected: int = Field(128, ge=1, description="Numbers that the projector gives.")


Pretext = Annotated[
    Annotated[Reconstruction, Tag("reconstruction")]
    | Annotated[Denoising, Tag("denoising")]
    | Annotated[Inpainting, Tag("inpainting")]
    | Annotated[Classification, Tag("classification")]
    | Annotated[BetaVae, Tag("beta_vae")]
    | Annotated[TcVae, Tag("tc_vae")]
    | Annotated[Contrastive, Tag("contrastive")],
    Discriminator(kind_or("reconstruction")),
]


NEEDS = {
    "beta_vae": ("vae",),
    "tc_vae": ("vae",),
    "contrastive": ("convolutional", "pooled", "resnet18"),
}
"""Kinds of model of pretexts that cannot train all."""

FITS = {"vae": ("beta_vae", "tc_vae"), "resnet18": ("contrastive", "classification")}
"""Kinds of pretext of models that have no decoder of their own, or one of their own."""


class Encoder(Section):
    """An encoder, trained a few times with other random numbers."""

    dataset: Name = Field("digits", description="Name of the dataset trained on.")
    model: EncoderModel = Field(ConvolutionalEncoder(), description="The network.")
    pretext: Pretext = Field(Reconstruction(), description="What it is trained to do.")
    optimizer: Optimizer = Field(
        Adam(weight_decay=1e-5, betas=(0.9, 0.999)), description="The optimizer and its settings."
    )
    schedule: Literal["constant", "cosine"] = Field(
        "constant",
        description="Learning rate: as it is, or falling from it at the first step along half a "
        "cosine, which would be at 0 after the last.",
    )
    batch_size: int = Field(300, ge=1, description="Samples per step.")
    drop_last: bool = Field(
        False, description="Whether the last batch of an epoch is left out if it is short."
    )
    epochs: int = Field(100, ge=1, description="Passes over the training samples, at most.")
    patience: int | None = Field(
        10,
        ge=1,
        description="Training stops after so many epochs without a lower validation loss, and the "
        "weights of the lowest are kept; null = all epochs, and the last weights are kept.",
    )
    validation: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="Share of the training samples that is held out for the validation loss. The "
        "validation part of the dataset, which is its test set, is never used.",
    )
    replicates: int = Field(5, ge=1, description="Trainings that differ in their random numbers.")
    seed: int = Field(
        0,
        ge=0,
        description="Seed of initial parameters, order of the samples and perturbations, with the "
        "number of the replicate; encoders of one seed start alike.",
    )
    history: int | None = Field(
        None,
        ge=1,
        description="Steps between stored parameters of the recorded path, 1 = all; null = the "
        "path is not recorded.",
    )
    device: Device = Field("auto", description="Where it runs; auto = GPU if there is one.")

    @model_validator(mode="after")
    def _check_recorded(self) -> "Encoder":
        if self.history is None:
            return self
        if self.patience is not None:
            raise ValueError(
                "expected patience null with history, because the path leads to the last weights,"
                f" got {self.patience}; set one of them to null"
            )
        if getattr(self.model, "batch_norm", False):
            raise ValueError(
                "expected model.batch_norm false with history, because batch norm mixes the samples"
                " of a batch, got true; change one of them"
            )
        return self


def encoder_problems(name: str, encoder: Encoder, data: Dataset) -> Iterator[str]:
    """Say which parts of an encoder do not fit each other or the dataset.

    Args:
        name: name of the encoder.
        encoder: the encoder.
        data: its dataset.

    Yields:
        One text per problem.
    """
    model, pretext = encoder.model.kind, encoder.pretext.kind
    needed = NEEDS.get(pretext)
    if needed and model not in needed:
        yield (
            f"encoders.{name}.model.kind: expected {' or '.join(needed)} for the pretext {pretext},"
            f" got {model}; change one of them"
        )
    if pretext not in FITS.get(model, (pretext,)):
        yield (
            f"encoders.{name}.pretext.kind: expected {', '.join(FITS[model])} for the model"
            f" {model}, got {pretext}; change one of them"
        )
    if encoder.model.inputs != data.inputs:
        yield (
            f"encoders.{name}.model.kind: expected a model of {data.inputs} for the dataset"
            f" {encoder.dataset!r} (kind {data.kind}), got {encoder.model.kind}, a model of"
            f" {encoder.model.inputs}; change one of them"
        )
