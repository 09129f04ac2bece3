"""Images of one's own: an `.npz` file, checked before anything is made of it."""

import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from explaind.data.images import ImageSource
from explaind.errors import DataError

REQUIRED = ("x_train", "y_train", "x_test", "y_test")
KNOWN = (*REQUIRED, "class_names", "index_train", "index_test")
PARTS = ("train", "test")
CHANNELS = (1, 3, 4)


def npz_source(path: Path) -> ImageSource:
    """Read and check a file with `x_train`, `y_train`, `x_test` and `y_test`.

    Images are `[sample, row, column]` or `[sample, row, column, channel]`, uint8 or floating;
    labels are integers from 0. `class_names`, `index_train` and `index_test` may be there, anything
    else is ignored. Nothing is ever unpickled.

    Args:
        path: the file.

    Returns:
        The images.

    Raises:
        DataError: naming the array, what was expected and what was found.
    """
    arrays = read_npz(path, KNOWN)
    missing = [name for name in REQUIRED if name not in arrays]
    if missing:
        raise DataError(
            f"{path}: expected the arrays {', '.join(REQUIRED)}, got {', '.join(arrays) or 'none'};"
            f" add {', '.join(missing)}."
        )
    for part in PARTS:
        _check_images(path, f"x_{part}", arrays[f"x_{part}"])
        _check_vector(path, part, f"y_{part}", arrays)
        if f"index_{part}" in arrays:
            _check_vector(path, part, f"index_{part}", arrays)
    _check_alike(path, arrays["x_train"], arrays["x_test"])
    indices = {
        part: arrays.get(f"index_{part}", np.arange(len(arrays[f"x_{part}"]))) for part in PARTS
    }
    return ImageSource(
        x_train=_with_channels(arrays["x_train"]),
        y_train=arrays["y_train"].astype(np.int64),
        x_test=_with_channels(arrays["x_test"]),
        y_test=arrays["y_test"].astype(np.int64),
        index_train=indices["train"].astype(np.int64),
        index_test=indices["test"].astype(np.int64),
        class_names=_class_names(path, arrays),
        provenance=f"{path.name}, given by the user",
    )


def read_npz(path: Path, names: Collection[str]) -> dict[str, np.ndarray]:
    """Read arrays of an `.npz` file; nothing is ever unpickled.

    Args:
        path: the file.
        names: the arrays that are read, if they are there.

    Returns:
        The arrays by name.

    Raises:
        DataError: if there is no such file, or it holds no plain arrays.
    """
    try:
        with path.open("rb") as opened, NpzFile(opened, allow_pickle=False) as file:
            return {name: _native(file[name]) for name in file.files if name in names}
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; correct the dataset's path.") from error
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected an .npz file of plain arrays, as numpy.savez writes it, got:"
            f" {error} Arrays of objects are never unpickled; convert them to numbers."
        ) from error


def _native(array: np.ndarray) -> np.ndarray:
    """Return an array in the byte order of this machine."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _check_images(path: Path, name: str, x: np.ndarray) -> None:
    if x.dtype != np.uint8 and x.dtype.kind != "f":
        raise DataError(f"{path}: expected {name} as uint8 or floating numbers, got {x.dtype}.")
    if x.ndim not in (3, 4) or 0 in x.shape:
        raise DataError(
            f"{path}: expected {name} as [sample, row, column] or [sample, row, column, channel],"
            f" nothing empty, got the shape {x.shape}. For a table or tokens use `kind: arrays`."
        )
    if x.ndim == 4 and x.shape[1] in CHANNELS and x.shape[3] not in CHANNELS:
        raise DataError(
            f"{path}: expected {name} as [sample, row, column, channel], got the shape {x.shape},"
            f" which looks like channels first. Store {name}.transpose(0, 2, 3, 1)."
        )
    with np.errstate(over="ignore"):
        wrong = ~np.isfinite(x.astype(np.float32)) if x.dtype.kind == "f" else np.zeros(0, bool)
    if wrong.any():
        rows = np.flatnonzero(wrong.reshape(len(x), -1).any(1))
        raise DataError(
            f"{path}: {name} has NaN, infinity or numbers beyond float32 in {len(rows)} samples,"
            f" the first is sample {rows[0]}. Remove, fill or scale them."
        )


def _check_vector(path: Path, part: str, name: str, arrays: dict[str, np.ndarray]) -> None:
    """Refuse labels or indices that are not one integer from 0 for each image.

    Raises:
        DataError: naming the array.
    """
    vector, images = arrays[name], len(arrays[f"x_{part}"])
    if vector.dtype.kind not in "iu" or vector.shape != (images,):
        raise DataError(
            f"{path}: expected {name} as {images} integers, one for each image, got {vector.dtype}"
            f" of shape {vector.shape}."
        )
    if vector.min() < 0:
        raise DataError(f"{path}: expected {name} from 0 on, got {vector.min()}.")


def _check_alike(path: Path, train: np.ndarray, test: np.ndarray) -> None:
    if train.shape[1:] != test.shape[1:] or train.dtype != test.dtype:
        raise DataError(
            f"{path}: expected training and test images of one shape and type, got"
            f" {train.shape[1:]} of {train.dtype} and {test.shape[1:]} of {test.dtype}."
        )


def _class_names(path: Path, arrays: dict[str, np.ndarray]) -> tuple[str, ...]:
    """Return the names of all classes; without any, their numbers.

    Raises:
        DataError: if they are not as many different texts as there are classes.
    """
    largest = max(int(arrays[f"y_{part}"].max()) for part in PARTS)
    names = arrays.get("class_names")
    images = sum(len(arrays[f"y_{part}"]) for part in PARTS)
    if largest >= images:  # the network has an output for each
        raise DataError(
            f"{path}: expected classes numbered from 0 on, got {largest} with {images} images."
            " Number them without gaps."
        )
    if names is None:
        return tuple(str(number) for number in range(largest + 1))
    if names.ndim != 1 or names.dtype.kind != "U" or len(set(names.tolist())) < len(names):
        raise DataError(
            f"{path}: expected class_names as a list of different texts, got {names.dtype} of"
            f" shape {names.shape}."
        )
    if largest >= len(names):
        raise DataError(
            f"{path}: expected labels below {len(names)}, the number of class_names, got {largest}."
        )
    return tuple(str(name) for name in names)


def _with_channels(x: np.ndarray) -> np.ndarray:
    return x if x.ndim == 4 else x[..., None]
