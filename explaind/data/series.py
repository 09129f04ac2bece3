"""Series, normal or not: heartbeats from a file, or generated ones like them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from explaind.config.dataset import EcgLikeDataset, SeriesDataset
from explaind.data.npz import KNOWN, read_npz
from explaind.errors import DataError

CLASSES = ("normal", "abnormal")
"""By number, the only convention there is of labels of series."""

DIMS = ("time", "channel")


@dataclass(frozen=True)
class Series:
    """Labelled series of one length.

    Attributes:
        x: the series.
        y: 0 = normal, 1 = abnormal.
        provenance: where they come from, for people.
    """

    x: Float[np.ndarray, "sample time channel"]
    y: Int[np.ndarray, " sample"]
    provenance: str


def series_dataset(settings: SeriesDataset, series: Series) -> xr.Dataset:
    """Choose and split series.

    Args:
        settings: the dataset section of the config.
        series: all there are.

    Returns:
        For both parts `x_*` `[sample, time, channel]`, float32, `y_*` `[sample]`, the class, and
        `index_*` `[sample]`, the position in the source; in attrs the `classes` and their names.

    Raises:
        DataError: if there are not so many, or a part is empty.
    """
    order = np.random.default_rng(settings.seed).permutation(len(series.y))
    if settings.samples is not None and settings.samples > len(order):
        raise DataError(
            f"samples: expected at most {len(order)}, the series there are, got {settings.samples};"
            " lower it."
        )
    chosen = order[: settings.samples]
    if settings.training == "normal":
        rows = {"train": chosen[series.y[chosen] == 0], "validation": chosen[series.y[chosen] == 1]}
    else:
        first = round(settings.train_fraction * len(chosen))
        rows = {"train": chosen[:first], "validation": chosen[first:]}
    if not all(map(len, rows.values())):
        raise DataError(
            "expected training and validation series, got none of one of them; change samples,"
            " training or train_fraction."
        )
    arrays: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]] = {}
    for part, index in rows.items():
        arrays[f"x_{part}"] = ((part, *DIMS), series.x[index], _described("series"))
        arrays[f"y_{part}"] = ((part,), series.y[index], _described("class"))
        arrays[f"index_{part}"] = ((part,), index, _described("position in the source"))
    attributes = {
        "kind": settings.kind,
        "classes": len(CLASSES),
        "class_names": list(CLASSES),
        "provenance": series.provenance,
    }
    return xr.Dataset(arrays, attrs=attributes)


def series_of_file(path: Path, normal: int) -> Series:
    """Read an `.npz` file with `x_train`, `y_train`, `x_test` and `y_test`; both parts are merged.

    Args:
        path: the file; series are `[sample, time]` or `[sample, time, channel]`, floating.
        normal: the label of normal series, 1 in the UCR archive's ECG5000.

    Returns:
        The series.

    Raises:
        DataError: if they are not like that, or none is normal.
    """
    arrays = read_npz(path, KNOWN)
    try:
        x = np.concatenate([arrays["x_train"], arrays["x_test"]]).astype(np.float32)
        y = np.concatenate([arrays["y_train"], arrays["y_test"]])
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{path}: expected x_train, y_train, x_test and y_test, series of one length and their"
            f" labels, got {', '.join(arrays) or 'none'} ({error})."
        ) from error
    if x.ndim not in (2, 3) or y.shape != x.shape[:1] or not np.isfinite(x).all():
        raise DataError(
            f"{path}: expected finite series [sample, time] or [sample, time, channel] with a label"
            f" each, got {x.shape} and {y.shape}, or numbers that are not finite."
        )
    if not (y == normal).any():
        raise DataError(
            f"{path}: expected the label of normal series, got {normal}, which none has; the labels"
            f" are {', '.join(map(str, np.unique(y)))}. Change `normal`."
        )
    labels = (y != normal).astype(np.int64)
    return Series(x.reshape(*x.shape[:2], -1), labels, f"{path.name}, given by the user")


def ecg_like_series(settings: EcgLikeDataset) -> Series:
    """Generate heartbeats: sums of three waves, in abnormal ones wide, late and upside down.

    Args:
        settings: the dataset section of the config.

    Returns:
        The series, each of mean 0 and standard deviation 1, as those of ECG5000 are.
    """
    rng, count = np.random.default_rng((settings.seed, 1)), settings.samples or 0
    y = (rng.random(count) < settings.abnormal).astype(np.int64)
    time = np.linspace(0, 1, settings.length)
    # centre, width and height of the waves P, R and T
    normal = np.array([[0.2, 0.04, 0.25], [0.45, 0.025, 1.5], [0.75, 0.07, 0.4]])
    abnormal = np.array([[0.2, 0.04, 0.1], [0.5, 0.06, 1.2], [0.8, 0.07, -0.6]])
    waves = np.where(y[:, None, None] == 1, abnormal, normal)
    waves = waves * (1 + 0.1 * rng.standard_normal(waves.shape))
    centre, width, height = (waves[:, :, part, None] for part in range(3))
    x = (height * np.exp(-0.5 * ((time - centre) / width) ** 2)).sum(1)
    x += 0.03 * rng.standard_normal(x.shape)
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    text = f"generated with numpy default_rng(({settings.seed}, 1))"
    return Series(x.astype(np.float32)[..., None], y, text)


def _described(description: str) -> dict[str, str]:
    return {"units": "1", "description": description}
