"""The training samples that helped and harmed single validation samples most."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float
from scipy.special import softmax

from explaind.errors import ConfigError, StoreError
from explaind.experiments.examples.settings import ExamplesSettings
from explaind.report.sources import Sources
from explaind.report.tables.classes import ALL_COMPONENTS
from explaind.report.tables.outputs import output_unit
from explaind.report.tables.steps import component_names

SIDES = ("helpful", "harmful")
BY_COMPONENT = "_by_component"


@dataclass(frozen=True)
class Images:
    """The images of a page, as they were before normalisation, `[channel, row, column]`.

    Attributes:
        train: training images by row.
        validation: validation images by row.
        train_labels: class of every training row.
        class_names: name of each class.
    """

    train: Mapping[int, np.ndarray]
    validation: Mapping[int, np.ndarray]
    train_labels: list[str]
    class_names: list[str]


@dataclass(frozen=True)
class ExampleTables:
    """What the page shows.

    Attributes:
        predictions: see `prediction_table`, of the samples that are shown.
        strongest: see `example_table`; no row if the run kept no strongest samples.
        images: the images that it names, if there is a row.
        components: names of the components through which the strongest samples were kept.
        has_shares: whether the run kept all influences, so that shares of them are known.
        unit: unit of the influence.
    """

    predictions: pd.DataFrame
    strongest: pd.DataFrame
    images: Images | None
    components: tuple[str, ...]
    has_shares: bool
    unit: str

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"predictions": self.predictions, "strongest": self.strongest}


def read(sources: Sources, settings: ExamplesSettings) -> ExampleTables:
    """Read what the page shows: the wrong and the least confident predictions.

    Args:
        sources: what the run left on disk.
        settings: the options of the page.

    Returns:
        The numbers and images.

    Raises:
        ConfigError: if more samples are asked for than were explained.
        StoreError: if the dataset holds no images.
    """
    influence, unit = sources.influence, output_unit(sources.influence)
    explained = influence.sizes["test"]
    if settings.samples > explained:
        raise ConfigError(
            f"experiments.{sources.name}.samples: expected at most {explained}, the number of"
            f" explained samples, got {settings.samples}; lower it"
        )
    predictions = prediction_table(sources.validation, influence).head(settings.samples)
    if not has_examples(influence):
        return ExampleTables(predictions, pd.DataFrame({"sample": []}), None, (), False, unit)
    if sources.data["x_train"].ndim != 4:
        raise StoreError(
            f"{sources.paths.dataset(sources.dataset_name)} holds no images. Choose a run on images"
            " for pages of kind examples."
        )
    table = example_table(influence, tuple(predictions["position"]), settings.shown)
    return ExampleTables(
        predictions=predictions,
        strongest=table,
        images=_images(sources.data, table),
        components=_kept_components(influence),
        has_shares=_has_all(influence, "influence"),
        unit=unit,
    )


def has_examples(influence: xr.Dataset, by_component: bool = False) -> bool:
    """Return whether the run kept the strongest samples, in total or through each component."""
    return f"helpful_index{BY_COMPONENT if by_component else ''}" in influence


def prediction_table(validation: xr.Dataset, influence: xr.Dataset) -> pd.DataFrame:
    """List the predictions for the explained samples, the wrong and least confident ones first.

    Args:
        validation: the validation store.
        influence: the influence store.

    Returns:
        One row per explained sample: `position` (among them), `sample` (row of the validation
        split), `target`, `predicted` (classes), `correct`, `target_probability` and
        `predicted_probability`; wrong predictions first, in both parts those first that give the
        target the least probability.
    """
    samples, target = (influence[name].to_numpy() for name in ("test_index", "test_target"))
    outputs = validation["true"].transpose("test", "class").to_numpy()[samples]
    probabilities, rows = softmax(outputs, axis=1), np.arange(len(samples))
    predicted = probabilities.argmax(1)
    table = pd.DataFrame(
        {
            "position": rows,
            "sample": samples,
            "target": target,
            "predicted": predicted,
            "correct": predicted == target,
            "target_probability": probabilities[rows, target],
            "predicted_probability": probabilities[rows, predicted],
        }
    )
    return table.sort_values(["correct", "target_probability"], kind="stable", ignore_index=True)


def example_table(influence: xr.Dataset, samples: tuple[int, ...], count: int) -> pd.DataFrame:
    """List the strongest training samples of some explained samples.

    Args:
        influence: the influence store, with the arrays `top` and, for components, `top_component`.
        samples: positions among the explained samples.
        count: training samples per side; fewer if fewer were kept.

    Returns:
        One row per explained sample (`sample`, its row of the validation split), in their order,
        `output`, `component` (all of them together first), `side` (helpful or harmful) and `rank`
        (from 1): `train` (row of the training split), `influence` in the unit of the output, and
        `share`, what part it is of the summed influence of its sign of all training samples; NaN if
        the run did not keep all of them.
    """
    kept: list[tuple[str, str, dict[str, int]]] = [(ALL_COMPONENTS, "", {})]
    kept += [
        (name, BY_COMPONENT, {"component": number})
        for number, name in enumerate(_kept_components(influence))
    ]
    tables = []
    for component, ending, place in kept:
        sums = _signed_sums(influence, f"influence{ending}", place, samples)
        for side in SIDES:
            index, value = (
                _values(influence[f"{side}_{what}{ending}"], place, samples, "rank")[..., :count]
                for what in ("index", "influence")
            )
            share = value / np.where(value > 0, *sums)  # by the sum of its own sign
            labels = {"component": component, "side": side}
            columns = {"train": index, "influence": value, "share": share}
            tables.append(_long(influence, samples, columns, **labels))
    table = pd.concat(tables, ignore_index=True)
    order = {sample: number for number, sample in enumerate(table["sample"].unique())}
    return table.sort_values(
        ["sample", "output"],
        key=lambda column: column.map(order) if column.name == "sample" else column,
        kind="stable",
        ignore_index=True,
    )


def _kept_components(influence: xr.Dataset) -> tuple[str, ...]:
    return tuple(component_names(influence)) if has_examples(influence, by_component=True) else ()


def _has_all(influence: xr.Dataset, name: str) -> bool:
    """Return whether an array has the influence of all training samples."""
    return name in influence and influence.sizes["train"] == influence.attrs["train_samples"]


def _signed_sums(
    influence: xr.Dataset, name: str, place: dict[str, int], samples: tuple[int, ...]
) -> tuple[Float[np.ndarray, "sample output 1"], Float[np.ndarray, "sample output 1"]]:
    """Return the summed positive and the summed negative influence of all training samples."""
    if not _has_all(influence, name):
        unknown = np.full((len(samples), influence.sizes["output"], 1), np.nan)
        return unknown, unknown
    values = _values(influence[name], place, samples, "train").astype(np.float64)
    up = np.maximum(values, 0).sum(-1, keepdims=True)
    down = np.minimum(values, 0).sum(-1, keepdims=True)
    return np.where(up > 0, up, np.nan), np.where(down < 0, down, np.nan)


def _images(data: xr.Dataset, table: pd.DataFrame) -> Images:
    """Return the images that a table names."""
    names = [str(name) for name in data.attrs["class_names"]]
    return Images(
        train=_pictures(data, "train", table["train"]),
        validation=_pictures(data, "validation", table["sample"]),
        train_labels=[names[label] for label in data["y_train"].to_numpy()],
        class_names=names,
    )


def _pictures(data: xr.Dataset, part: str, rows: Iterable[int]) -> dict[int, np.ndarray]:
    chosen = sorted(set(rows))
    return dict(zip(chosen, data[f"x_{part}"].isel({part: chosen}).to_numpy(), strict=True))


def _values(
    array: xr.DataArray, place: dict[str, int], samples: tuple[int, ...], last: str
) -> np.ndarray:
    """Return values by sample, output and a last dimension."""
    chosen = array.isel({"test": list(samples), **place})
    return np.asarray(chosen.transpose("test", "output", last).to_numpy())


def _long(
    influence: xr.Dataset,
    samples: tuple[int, ...],
    columns: Mapping[str, np.ndarray],
    **labels: str,
) -> pd.DataFrame:
    test, output, rank = (axis.reshape(-1) for axis in np.indices(columns["train"].shape))
    rows = influence["test_index"].to_numpy()[list(samples)]
    return pd.DataFrame(
        {
            "sample": rows[test],
            "output": influence["output"].to_numpy().astype(str)[output],
            **labels,
            "rank": rank + 1,
            **{name: values.reshape(-1) for name, values in columns.items()},
        }
    )
