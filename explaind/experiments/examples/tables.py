"""The training samples that helped and harmed single validation samples most."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

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
        validation_labels: class of every validation row.
        predictions: class that the network predicts, of every validation row.
        class_names: name of each class.
    """

    train: Mapping[int, np.ndarray]
    validation: Mapping[int, np.ndarray]
    train_labels: list[str]
    validation_labels: list[str]
    predictions: list[str]
    class_names: list[str]


@dataclass(frozen=True)
class ExampleTables:
    """What the page shows.

    Attributes:
        strongest: see `example_table`; no row if the run kept no strongest samples.
        images: the images that it names, if there is a row.
        by_component: whether the run kept the strongest samples through each component.
        unit: unit of the influence.
    """

    strongest: pd.DataFrame
    images: Images | None
    by_component: bool
    unit: str

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"strongest": self.strongest}


def read(sources: Sources, settings: ExamplesSettings) -> ExampleTables:
    """Gather what the page shows.

    Args:
        sources: what the run left on disk.
        settings: the options of the page.

    Returns:
        The numbers and images.

    Raises:
        ConfigError: if a sample is not among the explained ones.
        StoreError: if the dataset holds no images.
    """
    influence, unit = sources.influence, output_unit(sources.influence)
    if not has_examples(influence):
        return ExampleTables(pd.DataFrame({"sample": []}), None, False, unit)
    explained = influence.sizes["test"]
    if max(settings.samples) >= explained:
        raise ConfigError(
            f"experiments.{sources.name}.samples: expected numbers below {explained}, the number of"
            f" explained samples, got {max(settings.samples)}; lower it"
        )
    if sources.data["x_train"].ndim != 4:
        raise StoreError(
            f"{sources.paths.dataset(sources.dataset_name)} holds no images. Choose a run on images"
            " for pages of kind examples."
        )
    table = example_table(influence, settings.samples, settings.shown)
    images = _images(sources.data, sources.validation, table)
    return ExampleTables(table, images, has_examples(influence, by_component=True), unit)


def has_examples(influence: xr.Dataset, by_component: bool = False) -> bool:
    """Return whether the run kept the strongest samples, in total or through each component."""
    return f"helpful_index{BY_COMPONENT if by_component else ''}" in influence


def example_table(influence: xr.Dataset, samples: tuple[int, ...], count: int) -> pd.DataFrame:
    """List the strongest training samples of some explained samples.

    Args:
        influence: the influence store, with the arrays `top` and, for components, `top_component`.
        samples: positions among the explained samples.
        count: training samples per side; fewer if fewer were kept.

    Returns:
        One row per explained sample (`sample`, its row of the validation split), `output`,
        `component` (all of them together first), `side` (helpful or harmful) and `rank` (from 1):
        `train` (row of the training split) and `influence` in the unit of the output.
    """
    kept: list[tuple[str, str, int | None]] = [(ALL_COMPONENTS, "", None)]
    if has_examples(influence, by_component=True):
        names = component_names(influence)
        kept += [(name, BY_COMPONENT, number) for number, name in enumerate(names)]
    tables = []
    for component, ending, number in kept:
        for side in SIDES:
            index, value = (
                _values(influence[f"{side}_{what}{ending}"], number, samples, count)
                for what in ("index", "influence")
            )
            tables.append(_long(influence, samples, index, value, component=component, side=side))
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values(["sample", "output"], kind="stable", ignore_index=True)


def _images(data: xr.Dataset, validation: xr.Dataset, table: pd.DataFrame) -> Images:
    """Return the images that a table names, and what the network predicts."""
    names = [str(name) for name in data.attrs["class_names"]]
    predictions = validation["true"].transpose("test", "class").to_numpy().argmax(1)
    return Images(
        train=_pictures(data, "train", table["train"]),
        validation=_pictures(data, "validation", table["sample"]),
        train_labels=[names[label] for label in data["y_train"].to_numpy()],
        validation_labels=[names[label] for label in data["y_validation"].to_numpy()],
        predictions=[names[prediction] for prediction in predictions],
        class_names=names,
    )


def _pictures(data: xr.Dataset, part: str, rows: Iterable[int]) -> dict[int, np.ndarray]:
    chosen = sorted(set(rows))
    return dict(zip(chosen, data[f"x_{part}"].isel({part: chosen}).to_numpy(), strict=True))


def _values(
    array: xr.DataArray, component: int | None, samples: tuple[int, ...], count: int
) -> np.ndarray:
    """Return values by sample, output and rank."""
    if component is not None:
        array = array.isel(component=component)
    chosen = array.isel(test=list(samples), rank=slice(0, count))
    values: np.ndarray = chosen.transpose("test", "output", "rank").to_numpy()
    return values


def _long(
    influence: xr.Dataset,
    samples: tuple[int, ...],
    index: np.ndarray,
    value: np.ndarray,
    **labels: str,
) -> pd.DataFrame:
    test, output, rank = (axis.reshape(-1) for axis in np.indices(index.shape))
    rows = influence["test_index"].to_numpy()[list(samples)]
    return pd.DataFrame(
        {
            "sample": rows[test],
            "output": influence["output"].to_numpy().astype(str)[output],
            **labels,
            "rank": rank + 1,
            "train": index.reshape(-1),
            "influence": value.reshape(-1),
        }
    )
