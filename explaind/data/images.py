"""From a source of images to a dataset: classes and samples chosen, resized, leakage counted."""

import logging
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from jaxtyping import Int, Shaped
from torch.nn import functional

from explaind.config.dataset import ImageDataset
from explaind.errors import DataError

logger = logging.getLogger(__name__)

PARTS = ("train", "validation")
DIMS = ("channel", "row", "column")


@dataclass(frozen=True)
class ImageSource:
    """Labelled images in two parts.

    Attributes:
        x_train: training images; uint8, or floating numbers that are taken as they are.
        y_train: their classes, from 0.
        x_test: test images.
        y_test: their classes.
        index_train: position of each training image in the original data.
        index_test: position of each test image in the original data.
        class_names: name of each class.
        provenance: where the images come from, for people.
    """

    x_train: Shaped[np.ndarray, "train row column channel"]
    y_train: Int[np.ndarray, " train"]
    x_test: Shaped[np.ndarray, "test row column channel"]
    y_test: Int[np.ndarray, " test"]
    index_train: Int[np.ndarray, " train"]
    index_test: Int[np.ndarray, " test"]
    class_names: tuple[str, ...]
    provenance: str


def image_dataset(settings: ImageDataset, source: ImageSource) -> xr.Dataset:
    """Choose classes and samples, and resize.

    A class that does not exist, has no training image, or has too few images is refused
    (`DataError`).

    Args:
        settings: the dataset section of the config.
        source: images with the channel last, and their classes.

    Returns:
        For both parts `x_*` `[sample, channel, row, column]`, uint8 or float32, `y_*` `[sample]`,
        the number of the class among the chosen ones, and `index_*` `[sample]`, the position in the
        original data. In attrs the number of `classes`, their `class_names`, `leaked`, the number
        of validation images that are training images as well, and the provenance.
    """
    chosen = _class_numbers(settings, source.class_names)
    parts = {
        "train": (source.x_train, source.y_train, source.index_train),
        "validation": (source.x_test, source.y_test, source.index_test),
    }
    asked = {"train": settings.train_samples, "validation": settings.validation_samples}
    arrays: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]] = {}
    for part, (x, y, index) in parts.items():
        rng = np.random.default_rng((settings.seed, PARTS.index(part)))
        rows, label = _rows(y, chosen, asked[part], rng, f"{part}_samples")
        images = _resized(_channel_first(x[rows]), settings.resize)
        arrays[f"x_{part}"] = ((part, *DIMS), images, _described("images"))
        arrays[f"y_{part}"] = ((part,), label, _described("class"))
        arrays[f"index_{part}"] = ((part,), index[rows], _described("position in the source"))
    leaked = _count_leaked(arrays["x_train"][1], arrays["x_validation"][1])
    attributes = {
        "kind": settings.kind,
        "classes": len(chosen),
        "class_names": [source.class_names[number] for number in chosen],
        "leaked": leaked,
        "provenance": source.provenance,
    }
    return xr.Dataset(arrays, attrs=attributes)


def _class_numbers(settings: ImageDataset, names: tuple[str, ...]) -> list[int]:
    """Return the numbers of the chosen classes in the source, in the order asked for.

    Raises:
        DataError: if a class does not exist.
    """
    numbers = {name: number for number, name in enumerate(names)}
    asked = range(len(names)) if settings.classes is None else settings.classes
    unknown = [c for c in asked if c not in numbers and c not in range(len(names))]
    if unknown:
        raise DataError(
            f"classes: expected some of {', '.join(names)}, or numbers below {len(names)}, got"
            f" {unknown[0]!r}; correct it."
        )
    return [c if isinstance(c, int) else numbers[c] for c in asked]


def _rows(
    y: Int[np.ndarray, " sample"],
    chosen: list[int],
    samples: int | None,
    rng: np.random.Generator,
    key: str,
) -> tuple[Int[np.ndarray, " kept"], Int[np.ndarray, " kept"]]:
    """Return the rows of a part that are kept, in the order of the source, and new labels.

    Raises:
        DataError: if a class has no training image, or nothing is left to validate with.
    """
    label = np.full(int(y.max()) + 1 + max(chosen), -1)
    label[chosen] = np.arange(len(chosen))
    members = [np.flatnonzero(y == number) for number in chosen]
    if key == "train_samples" and min(map(len, members)) == 0:
        empty = chosen[[len(rows) for rows in members].index(0)]
        raise DataError(
            f"expected training images of every class, got none of class {empty}; choose others"
            " with `classes`."
        )
    if samples is not None:
        members = _balanced(members, samples, rng, key)
    rows = np.sort(np.concatenate(members))
    if not len(rows):
        raise DataError("expected validation images of the chosen classes, got none.")
    return rows, label[y[rows]]


def _balanced(
    members: list[np.ndarray], samples: int, rng: np.random.Generator, key: str
) -> list[np.ndarray]:
    """Return as many rows of each class; the first get one more if that does not come out even.

    Raises:
        DataError: if a class has too few images.
    """
    each, extra = divmod(samples, len(members))
    wanted = [each + (number < extra) for number in range(len(members))]
    short = any(want > len(rows) for want, rows in zip(wanted, members, strict=True))
    if short or (key == "train_samples" and each == 0):
        most = min(map(len, members)) * len(members)
        raise DataError(
            f"{key}: expected {len(members)} to {most}, as many images of each of {len(members)}"
            f" classes, got {samples}; change it."
        )
    return [rng.permutation(rows)[:want] for want, rows in zip(wanted, members, strict=True)]


def _channel_first(x: np.ndarray) -> np.ndarray:
    dtype = np.uint8 if x.dtype == np.uint8 else np.float32
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2), dtype=dtype)


def _resized(x: np.ndarray, side: int | None) -> np.ndarray:
    """Return images of `side` x `side` pixels, bilinear and antialiased."""
    if side is None:
        return x
    images = torch.from_numpy(x).float()
    resized = functional.interpolate(images, (side, side), mode="bilinear", antialias=True).numpy()
    return np.rint(resized).clip(0, 255).astype(np.uint8) if x.dtype == np.uint8 else resized


def _count_leaked(train: np.ndarray, validation: np.ndarray) -> int:
    """Return how many validation images are training images as well, pixel by pixel."""
    known = {image.tobytes() for image in train}
    leaked = sum(image.tobytes() in known for image in validation)
    if leaked:
        logger.warning(
            "%d of %d validation images are training images as well", leaked, len(validation)
        )
    return leaked


def _described(description: str) -> dict[str, str]:
    return {"units": "1", "description": description}
