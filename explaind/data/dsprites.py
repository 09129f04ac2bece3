"""dSprites from its `.npz` file, of which only the images that are used come into memory.

Matthey, Higgins, Hassabis, Lerchner (2017): dSprites, Apache License 2.0,
https://github.com/google-deepmind/dsprites-dataset.
"""

import shutil
import zipfile
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from explaind.data.images import ImageSource
from explaind.data.interleaved import interleaved_rows
from explaind.errors import DataError
from explaind.files import replacing

TRAIN_FRACTION = 0.9
SHAPES = ("square", "ellipse", "heart")
SHAPE_COLUMN = 1  # of latents_classes: colour, shape, scale, orientation, x, y
IMAGES, PACKED, LATENTS = "imgs", "imgs_packed", "latents_classes"
"""Arrays of the file; a part of it may have the images in bits, eight pixels a byte."""


def dsprites_source(
    path: Path, unpacked: Path, seed: int, most: tuple[int | None, int | None]
) -> ImageSource:
    """Read the images and split them at random, nine tenths for training.

    Args:
        path: the `.npz` file, the original one or a part of it.
        unpacked: folder for the images, which are read from there as they are needed: 3 GB of the
            original.
        seed: seed of the split.
        most: training and test images that are read at most, as many of each class; None = all.

    Returns:
        Images of 64 x 64 pixels, and their shape as the class.
    """
    images, labels = _mapped(path, unpacked), _labels(path)
    order = np.random.default_rng(seed).permutation(len(labels))
    parts = np.split(order, [round(TRAIN_FRACTION * len(labels))])
    train, test = (
        np.sort(part[interleaved_rows(labels[part], limit)])
        for part, limit in zip(parts, most, strict=True)
    )
    return ImageSource(
        x_train=_pixels(images, train),
        y_train=labels[train],
        x_test=_pixels(images, test),
        y_test=labels[test],
        index_train=train,
        index_test=test,
        class_names=SHAPES,
        provenance=f"dSprites, {path.name}, given by the user; split with numpy"
        f" default_rng({seed})",
    )


def _mapped(path: Path, folder: Path) -> UInt8[np.ndarray, "image row column"]:
    """Return the images as they lie in a file of their own, which is made the first time.

    Raises:
        DataError: if they are not in the file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = set(archive.namelist())
            member = next(f"{name}.npy" for name in (IMAGES, PACKED) if f"{name}.npy" in members)
            # the size tells two files of one name apart
            target = folder / f"{path.stem}-{archive.getinfo(member).file_size}-{member}"
            if not target.is_file():
                _copy(archive, member, target)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; correct the dataset's path.") from error
    except (StopIteration, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected the file of dSprites, with {IMAGES} or {PACKED} and {LATENTS}, got"
            " another one; correct the dataset's path."
        ) from error
    mapped: np.ndarray = np.load(target, mmap_mode="r", allow_pickle=False)
    return mapped


def _copy(archive: zipfile.ZipFile, member: str, target: Path) -> None:
    with (
        replacing(target) as temporary,
        archive.open(member) as source,
        temporary.open("wb") as copy,
    ):
        shutil.copyfileobj(source, copy)


def _labels(path: Path) -> Int[np.ndarray, " image"]:
    with np.load(path, allow_pickle=False) as file:
        labels: np.ndarray = file[LATENTS][:, SHAPE_COLUMN].astype(np.int64)
    return labels


def _pixels(
    images: UInt8[np.ndarray, "image row column"], rows: Int[np.ndarray, " kept"]
) -> UInt8[np.ndarray, "kept 64 64 1"]:
    chosen = images[rows]
    if chosen.shape[2] * 8 == chosen.shape[1]:
        chosen = np.unpackbits(chosen, axis=2)
    scaled: np.ndarray = np.uint8(255) * chosen[..., None]
    return scaled
