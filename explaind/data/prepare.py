"""The rule `prepare_dataset`: a dataset from its source into its store."""

import logging

from explaind.config import Config, stage_config
from explaind.data.modulo import modulo_dataset
from explaind.paths import Paths
from explaind.store import write_store

logger = logging.getLogger(__name__)


def prepare_dataset(config: Config, paths: Paths, dataset: str) -> None:
    """Make the dataset store `data/processed/{dataset}.zarr`.

    Args:
        config: the whole configuration.
        paths: where things lie.
        dataset: name of the dataset.
    """
    made = modulo_dataset(config.datasets[dataset])
    attributes = {
        **made.attrs,
        "stage": "prepare_dataset",
        "config": stage_config(config, "prepare_dataset", dataset),
    }
    write_store(paths.dataset(dataset), made, attributes)
    logger.info("%s: %s", dataset, {key: value.shape for key, value in made.items()})
