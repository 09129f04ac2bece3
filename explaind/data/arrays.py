"""Tables, tokens or other arrays of one's own, from a file or a function, checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from explaind.choices import IGNORED
from explaind.data.npz import REQUIRED, read_npz
from explaind.errors import DataError

PARTS = {"train": "train", "test": "validation"}
"""Part of the source -> part of the dataset."""

DIMS = {("i", 1): ("position",), ("f", 1): ("feature",), ("f", 3): ("channel", "row", "column")}
"""Names of the axes of a sample, by type and number; others are numbered."""


def arrays_of_file(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file (`DataError` if it is none); nothing is unpickled."""
    return read_npz(path, (*REQUIRED, "class_names"))


def arrays_dataset(arrays: object, source: str) -> xr.Dataset:
    """Check arrays and make a dataset of them.

    Args:
        arrays: `x_train`, `y_train`, `x_test` and `y_test` by name, samples first: floating numbers
            (kept as float32), or integers for tokens and classes (kept as int64). `class_names`
            may be there.
        source: where they are from, for messages and for people.

    Returns:
        `x_train`, `y_train`, `x_validation`, `y_validation`; in attrs the number of `classes` (0 if
        targets are floating numbers), `class_names` and the provenance.

    Raises:
        DataError: naming the array, what was expected and what was found.
    """
    if not isinstance(arrays, Mapping) or not set(REQUIRED) <= set(arrays):
        got = ", ".join(map(str, arrays)) if isinstance(arrays, Mapping) else type(arrays).__name__
        raise DataError(
            f"{source}: expected the arrays {', '.join(REQUIRED)} by name, got {got or 'none'};"
            " add what is missing."
        )
    checked = {name: _checked(arrays[name], f"{source}: {name}") for name in REQUIRED}
    _check_alike(checked, source)
    variables = {}
    for part, kept in PARTS.items():
        for letter, description in (("x", "inputs"), ("y", "targets")):
            values = checked[f"{letter}_{part}"]
            described = {"units": "1", "description": description}
            variables[f"{letter}_{kept}"] = ((kept, *_dims(letter, values)), values, described)
    names = _class_names(checked, arrays.get("class_names"), source)
    attributes = {"kind": "arrays", "classes": len(names), "provenance": source}
    return xr.Dataset(variables, attrs={**attributes, "class_names": names})


def _checked(given: object, name: str) -> np.ndarray:
    """Return an array as it is stored.

    Raises:
        DataError: if it is empty, of another type than numbers, or not finite.
    """
    array = np.asarray(given)
    if array.dtype.kind not in "iuf" or array.ndim == 0 or 0 in array.shape:
        raise DataError(
            f"{name}: expected numbers, samples first, nothing empty, got {array.dtype} of shape"
            f" {array.shape}; convert them."
        )
    if array.dtype == np.uint8 and array.ndim > 2:
        raise DataError(
            f"{name}: expected floating numbers, got uint8 of shape {array.shape}, which looks like"
            " images; scale them to 0..1, channel first, or use `kind: npz`."
        )
    if array.dtype.kind != "f":
        return np.ascontiguousarray(array, dtype=np.int64)
    with np.errstate(over="ignore"):
        stored = np.ascontiguousarray(array, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(stored).reshape(len(stored), -1).all(1))
    if len(bad):
        raise DataError(
            f"{name}: expected finite numbers, got NaN, infinity or numbers beyond float32 in"
            f" {len(bad)} samples, the first is sample {bad[0]}; remove, fill or scale them."
        )
    return stored


def _check_alike(arrays: Mapping[str, np.ndarray], source: str) -> None:
    for part in PARTS:
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if len(x) != len(y):
            raise DataError(
                f"{source}: expected a target for each of the {len(x)} samples of x_{part}, got"
                f" {len(y)}; change one of them."
            )
    for letter in "xy":
        train, test = arrays[f"{letter}_train"], arrays[f"{letter}_test"]
        if (train.shape[1:], train.dtype) != (test.shape[1:], test.dtype):
            raise DataError(
                f"{source}: expected {letter}_train and {letter}_test of one shape and type, got"
                f" {train.shape[1:]} of {train.dtype} and {test.shape[1:]} of {test.dtype}."
            )


def _dims(letter: str, values: np.ndarray) -> tuple[str, ...]:
    axes = values.ndim - 1
    if letter == "y":  # an axis may be as long as one of the inputs and mean something else
        return tuple(f"target_{axis}" for axis in range(axes))
    kind = "f" if values.dtype.kind == "f" else "i"
    return DIMS.get((kind, axes), tuple(f"axis_{axis}" for axis in range(axes)))


def _class_names(
    arrays: Mapping[str, np.ndarray], names: Sequence[object] | np.ndarray | None, source: str
) -> list[str]:
    """Return the names of the classes, their numbers if they have none; of no classes if numbers.

    Raises:
        DataError: if a class is negative or has no name.
    """
    y = np.concatenate([arrays["y_train"].ravel(), arrays["y_test"].ravel()])
    if y.dtype.kind == "f":
        return []
    known = y[y != IGNORED]
    if not len(known) or known.min() < 0:
        raise DataError(
            f"{source}: expected classes from 0 on, got {y.min()}; number them without gaps."
        )
    largest = int(known.max())
    if names is None:
        return [str(number) for number in range(largest + 1)]
    if largest >= len(names):
        raise DataError(
            f"{source}: expected classes below {len(names)}, the number of class_names, got"
            f" {largest}; add names."
        )
    return [str(name) for name in names]
