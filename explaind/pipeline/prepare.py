"""The rule `prepare_dataset`: a dataset from its source into its store."""

import hashlib
import logging
from pathlib import Path

import numpy as np
import xarray as xr

from explaind.config.dataset import (
    ArraysDataset,
    DigitsDataset,
    DspritesDataset,
    EcgLikeDataset,
    ImageDataset,
    ModuloDataset,
    NpzDataset,
    NpzSeriesDataset,
    OwnDataset,
    SeriesDataset,
    SpritesDataset,
    TextDataset,
)
from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.data.arrays import arrays_dataset, arrays_of_file
from explaind.data.digits import digits_source
from explaind.data.download import downloaded_source
from explaind.data.dsprites import dsprites_source
from explaind.data.images import ImageSource, image_dataset
from explaind.data.modulo import modulo_dataset
from explaind.data.npz import npz_source
from explaind.data.series import Series, ecg_like_series, series_dataset, series_of_file
from explaind.data.sprites import sprites_source
from explaind.data.text.dataset import text_dataset
from explaind.errors import DataError
from explaind.own_code import call
from explaind.paths import Paths
from explaind.store import write_store

logger = logging.getLogger(__name__)


def prepare_dataset(config: Config, paths: Paths, dataset: str) -> None:
    """Make the dataset store `data/processed/{dataset}.zarr`.

    A source that cannot be used is refused (`DataError`), and one that comes through torchvision if
    that is not installed (`UnsupportedError`).

    Args:
        config: the whole configuration.
        paths: where things lie.
        dataset: name of the dataset.
    """
    made = _made(config, paths, dataset)
    attributes = {
        **made.attrs,
        "stage": "prepare_dataset",
        "config": stage_config(config, "prepare_dataset", dataset),
        "sha256": _checksum(made),
    }
    write_store(paths.dataset(dataset), made, attributes)
    logger.info("%s: %s", dataset, {key: value.shape for key, value in made.items()})


def _made(config: Config, paths: Paths, dataset: str) -> xr.Dataset:
    settings = config.datasets[dataset]
    if isinstance(settings, ModuloDataset):
        return modulo_dataset(settings)
    if isinstance(settings, OwnDataset):
        made = call(settings.kind, settings.arguments, f"datasets.{dataset}.kind")
        return arrays_dataset(made, f"datasets.{dataset}: {settings.kind}")
    if isinstance(settings, ArraysDataset):
        file = Path(paths.root, settings.path)
        return arrays_dataset(arrays_of_file(file), f"datasets.{dataset}: {settings.path}")
    try:
        if isinstance(settings, SeriesDataset):
            return series_dataset(settings, _series(settings, paths))
        if isinstance(settings, TextDataset):
            return text_dataset(settings, Path(paths.root))
        return image_dataset(settings, _source(settings, paths))
    except DataError as error:
        raise DataError(f"datasets.{dataset}: {error}") from error


def _source(settings: ImageDataset, paths: Paths) -> ImageSource:
    if isinstance(settings, NpzDataset):
        return npz_source(Path(paths.root, settings.path))
    if isinstance(settings, DigitsDataset):
        return digits_source()
    if isinstance(settings, SpritesDataset):
        return sprites_source(settings.side, settings.seed)
    if isinstance(settings, DspritesDataset):
        most = (settings.train_samples, settings.validation_samples)
        file = Path(paths.root, settings.path)
        return dsprites_source(file, paths.downloads(), settings.seed, most)
    return downloaded_source(settings.kind, paths.downloads())


def _series(settings: SeriesDataset, paths: Paths) -> Series:
    if isinstance(settings, NpzSeriesDataset):
        return series_of_file(Path(paths.root, settings.path), settings.normal)
    assert isinstance(settings, EcgLikeDataset)  # there are these two
    return ecg_like_series(settings)


def _checksum(dataset: xr.Dataset) -> str:
    """Return a sha256 over the bytes of all arrays: what is trained on, whatever it came from."""
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset)):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(dataset[name].values).data)
    return digest.hexdigest()
