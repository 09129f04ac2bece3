"""Config of the datasets, a section per kind: generated, bundled, downloaded, or the user's."""

from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from explaind.config.base import OWN, OwnSection, Section, kind_or

Deviation = Annotated[float, Field(gt=0)]

CIFAR_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR_STD = (0.2023, 0.1994, 0.201)


class ModuloDataset(Section):
    """Modular addition: all unordered pairs `a >= b` below p, target `(a + b) mod p`."""

    inputs: ClassVar[str] = "tokens"
    groupings: ClassVar[tuple[str, ...]] = ("class",)

    kind: Literal["modulo"] = "modulo"
    p: int = Field(53, ge=2, description="Modulus; there are p (p + 1) / 2 pairs.")
    train_fraction: float | None = Field(
        0.8, gt=0, lt=1, description="Share of all pairs used for training; or give train_samples."
    )
    train_samples: int | None = Field(
        None, ge=1, description="Number of training pairs; then set train_fraction to null."
    )
    validation_samples: int | None = Field(
        None,
        ge=1,
        description="Number of validation pairs; null = all pairs not used for training.",
    )
    seed: int = Field(0, ge=0, description="Seed of the split.")

    @property
    def pairs(self) -> int:
        """Number of unordered pairs."""
        return self.p * (self.p + 1) // 2

    @property
    def train_size(self) -> int:
        """Number of training pairs, rounded to the nearest integer if given as a fraction."""
        if self.train_samples is not None:
            return self.train_samples
        assert self.train_fraction is not None  # checked below
        return round(self.train_fraction * self.pairs)

    @property
    def validation_size(self) -> int:
        """Number of validation pairs."""
        return self.validation_samples or self.pairs - self.train_size

    @model_validator(mode="after")
    def _check_split(self) -> "ModuloDataset":
        if (self.train_fraction is None) == (self.train_samples is None):
            raise ValueError(
                "expected exactly one of train_fraction and train_samples, got "
                f"{self.train_fraction} and {self.train_samples}; set the other one to null"
            )
        train, validation = self.train_size, self.validation_size
        if train < 1 or validation < 1 or train + validation > self.pairs:
            raise ValueError(
                f"expected a split of the {self.pairs} pairs (p = {self.p}) into two parts, "
                f"none empty, got {train} for training and {validation} for validation; change p, "
                "train_fraction, train_samples or validation_samples"
            )
        return self


class ImageDataset(Section):
    """What all image datasets share."""

    inputs: ClassVar[str] = "images"
    groupings: ClassVar[tuple[str, ...]] = ("class",)
    samples_per_class: ClassVar[tuple[int, int] | None] = None
    """Training and test images of each class, where all classes have as many."""
    all_classes: ClassVar[int] = 0
    """Number of classes of the source, where `samples_per_class` is known."""

    kind: str
    classes: tuple[int | str, ...] | None = Field(
        None,
        min_length=2,
        description="Classes used, by name or number, in this order; null = all.",
    )
    train_samples: int | None = Field(
        None,
        ge=2,
        description="Training images, as many of each class; null = all of the training part.",
    )
    validation_samples: int | None = Field(
        None,
        ge=1,
        description="Validation images, as many of each class; null = all of the test part.",
    )
    seed: int = Field(0, ge=0, description="Seed of the choice of images.")
    resize: int | None = Field(
        None, ge=1, description="Pixels per side that images are resized to; null = as they are."
    )
    mean: tuple[float, ...] | None = Field(
        None,
        min_length=1,
        description="Subtracted from each channel, scaled to 0..1; null = nothing.",
    )
    std: tuple[Deviation, ...] | None = Field(
        None, min_length=1, description="Each channel is divided by it after that; null = 1."
    )

    @property
    def train_size(self) -> int | None:
        """Number of training images; None if only the source knows it."""
        return self.train_samples or self._available(0)

    @property
    def validation_size(self) -> int | None:
        """Number of validation images; None if only the source knows it."""
        return self.validation_samples or self._available(1)

    def _available(self, part: int) -> int | None:
        if self.samples_per_class is None:
            return None
        chosen = self.all_classes if self.classes is None else len(self.classes)
        return chosen * self.samples_per_class[part]

    @model_validator(mode="after")
    def _check_sizes(self) -> "ImageDataset":
        for part, name in enumerate(("train_samples", "validation_samples")):
            asked, available = getattr(self, name), self._available(part)
            if asked is not None and available is not None and asked > available:
                raise ValueError(
                    f"expected {name} <= {available}, the images of the chosen classes, got "
                    f"{asked}; lower it, or null for all"
                )
        return self

    @model_validator(mode="after")
    def _check_classes(self) -> "ImageDataset":
        if self.classes is not None and len(set(self.classes)) < len(self.classes):
            raise ValueError(
                f"expected different classes, got {list(self.classes)}; name each once"
            )
        return self


class DigitsDataset(ImageDataset):
    """Handwritten digits of scikit-learn: 1,797 grey images of 8 x 8 pixels, no download."""

    kind: Literal["digits"] = "digits"


class MnistDataset(ImageDataset):
    """MNIST through torchvision: 70,000 grey images of 28 x 28 pixels."""

    kind: Literal["mnist"] = "mnist"


class _Cifar(ImageDataset):
    mean: tuple[float, ...] | None = Field(
        CIFAR_MEAN,
        min_length=1,
        description="Subtracted from each channel, scaled to 0..1; null = nothing.",
    )
    std: tuple[Deviation, ...] | None = Field(
        CIFAR_STD,
        min_length=1,
        description="Each channel is divided by it after that; null = 1.",
    )


class Cifar10Dataset(_Cifar):
    """CIFAR-10 through torchvision: 60,000 colour images of 32 x 32 pixels."""

    samples_per_class: ClassVar[tuple[int, int] | None] = (5000, 1000)
    all_classes: ClassVar[int] = 10

    kind: Literal["cifar10"] = "cifar10"


class Cifar2Dataset(Cifar10Dataset):
    """The cats and dogs of CIFAR-10: 12,000 images."""

    kind: Literal["cifar2"] = "cifar2"  # type: ignore[assignment]
    classes: tuple[int | str, ...] | None = Field(
        ("cat", "dog"), min_length=2, description="Classes of CIFAR-10, in this order."
    )


class Cifar100Dataset(_Cifar):
    """CIFAR-100 through torchvision: 60,000 colour images of 32 x 32 pixels."""

    samples_per_class: ClassVar[tuple[int, int] | None] = (500, 100)
    all_classes: ClassVar[int] = 100

    kind: Literal["cifar100"] = "cifar100"


class SpritesDataset(ImageDataset):
    """Generated: 3,456 white squares, ellipses and hearts in all scales, rotations and places."""

    kind: Literal["sprites"] = "sprites"
    side: int = Field(32, ge=8, description="Pixels per side.")


class DspritesDataset(ImageDataset):
    """dSprites from its file: 737,280 white shapes of 64 x 64 pixels, a random tenth to test."""

    kind: Literal["dsprites"] = "dsprites"
    path: str = Field(description="The file; a relative path starts at the project directory.")


class NpzDataset(ImageDataset):
    """Your own images: an .npz file, see docs/file_formats.md."""

    kind: Literal["npz"] = "npz"
    path: str = Field(description="The file; a relative path starts at the project directory.")


class SeriesDataset(Section):
    """What all datasets of series share."""

    inputs: ClassVar[str] = "series"
    groupings: ClassVar[tuple[str, ...]] = ("class",)

    kind: str
    samples: int | None = Field(
        None, ge=2, description="Series that are used, chosen at random; null = all."
    )
    training: Literal["all", "normal"] = Field(
        "all",
        description="Series trained on: all (a random share) or normal (all of those; the abnormal "
        "ones are the validation part).",
    )
    train_fraction: float = Field(
        0.8, gt=0, lt=1, description="Share of the training part, with training: all."
    )
    seed: int = Field(0, ge=0, description="Seed of the choice and the split.")

    @property
    def train_size(self) -> int | None:
        """Number of training series; None if only the source knows it."""
        if self.samples is None or self.training == "normal":
            return None
        return round(self.train_fraction * self.samples)

    @property
    def validation_size(self) -> int | None:
        """Number of validation series; None if only the source knows it."""
        train = self.train_size
        return None if train is None or self.samples is None else self.samples - train


class EcgLikeDataset(SeriesDataset):
    """Generated heartbeats, normal or not."""

    kind: Literal["ecg_like"] = "ecg_like"
    samples: int | None = Field(400, ge=2, description="Series that are generated.")
    length: int = Field(60, ge=8, description="Time steps of a series.")
    abnormal: float = Field(0.4, gt=0, lt=1, description="Share of abnormal series.")

    @model_validator(mode="after")
    def _check_samples(self) -> "EcgLikeDataset":
        if self.samples is None:
            raise ValueError("expected samples as a number, got null; say how many")
        return self


class NpzSeriesDataset(SeriesDataset):
    """Your own series, ECG5000 say: an .npz file, see docs/file_formats.md."""

    kind: Literal["npz_series"] = "npz_series"
    path: str = Field(description="The file; a relative path starts at the project directory.")
    normal: int = Field(1, description="Label of normal series; all others are abnormal.")


class TextDataset(Section):
    """Text in groups that share parts: languages and the articles of one document, say."""

    inputs: ClassVar[str] = "text"
    groupings: ClassVar[tuple[str, ...]] = ("group",)

    kind: Literal["text"] = "text"
    path: str | None = Field(
        None,
        description="A .jsonl file, see docs/file_formats.md, relative to the project directory; "
        "null = three languages that need no download: English, Python and arithmetic.",
    )
    key: str = Field("language", description="Key of the file that names the group of a text.")
    groups: tuple[str, ...] | None = Field(
        None, min_length=2, description="Groups used, in this order; null = all."
    )
    byte_pairs: int | None = Field(
        None,
        ge=257,
        description="Number of tokens of a byte pair encoding, learned on the parts that are not "
        "held out (extra `huggingface`); null = every byte is a token.",
    )
    context: int = Field(64, ge=2, description="Tokens of a passage.")
    crops: int = Field(
        100,
        ge=1,
        description="Training crops of each group, drawn from the parts that are not held out.",
    )
    held_out_parts: int = Field(4, ge=1, description="Parts held out, the same of all groups.")
    passages: int = Field(
        4,
        ge=1,
        description="Held-out passages of each group, at least one of each part: the beginnings of "
        "the parts first, then what follows them.",
    )
    seed: int = Field(0, ge=0, description="Seed of the split and the crops.")

    @model_validator(mode="after")
    def _check_held_out(self) -> "TextDataset":
        if self.passages < self.held_out_parts:
            raise ValueError(
                f"expected passages >= {self.held_out_parts}, one of each held-out part, got"
                f" {self.passages}: the other parts would be neither trained on nor explained;"
                " raise it, or lower held_out_parts"
            )
        return self

    @property
    def train_size(self) -> int | None:
        """Number of training crops; None if only the source knows the groups."""
        return None if self.groups is None else self.crops * len(self.groups)

    @property
    def validation_size(self) -> int | None:
        """Number of held-out samples, one of each group; None if only the source knows them."""
        return None if self.groups is None else len(self.groups)


class ArraysDataset(Section):
    """Your own table, tokens or other arrays: an .npz file, see docs/file_formats.md."""

    inputs: ClassVar[None] = None
    groupings: ClassVar[tuple[str, ...]] = ()
    train_size: ClassVar[None] = None
    validation_size: ClassVar[None] = None

    kind: Literal["arrays"] = "arrays"
    path: str = Field(description="The file; a relative path starts at the project directory.")


class OwnDataset(OwnSection):
    """What a function of your own returns: the arrays that such a file holds, by name.

    `kind` is `package.module:name`; all other keys are arguments. One that is called `path` names a
    file: the dataset is made again when it changes.
    """

    inputs: ClassVar[None] = None
    groupings: ClassVar[tuple[str, ...]] = ()
    train_size: ClassVar[None] = None
    validation_size: ClassVar[None] = None


Dataset = Annotated[
    Annotated[ModuloDataset, Tag("modulo")]
    | Annotated[DigitsDataset, Tag("digits")]
    | Annotated[MnistDataset, Tag("mnist")]
    | Annotated[Cifar2Dataset, Tag("cifar2")]
    | Annotated[Cifar10Dataset, Tag("cifar10")]
    | Annotated[Cifar100Dataset, Tag("cifar100")]
    | Annotated[SpritesDataset, Tag("sprites")]
    | Annotated[DspritesDataset, Tag("dsprites")]
    | Annotated[NpzDataset, Tag("npz")]
    | Annotated[EcgLikeDataset, Tag("ecg_like")]
    | Annotated[NpzSeriesDataset, Tag("npz_series")]
    | Annotated[TextDataset, Tag("text")]
    | Annotated[ArraysDataset, Tag("arrays")]
    | Annotated[OwnDataset, Tag(OWN)],
    Discriminator(kind_or("modulo")),
]
