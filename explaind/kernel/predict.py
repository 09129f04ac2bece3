"""The rule `predict_epk`: the influence store of one shard of the explained samples."""

import logging
import re

import numpy as np

from explaind.config import Config, stage_config
from explaind.errors import ConfigError
from explaind.kernel.of_run import kernel_of_run
from explaind.kernel.result import ARRAYS, described
from explaind.paths import Paths
from explaind.store import write_store

logger = logging.getLogger(__name__)


def shard_rows(shard: str, samples: int) -> np.ndarray:
    """Rows of the validation split that a shard explains.

    Args:
        shard: `"k/n"`, shard k of n, counted from 0.
        samples: number of explained samples.

    Returns:
        Consecutive rows; the shards of all k partition the samples.

    Raises:
        ConfigError: if `shard` is not of that form, or there are more shards than samples.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not found or not int(found[1]) < int(found[2]) <= samples:
        raise ConfigError(
            f"--shard: expected K/N with K < N <= {samples}, the number of explained"
            f" samples, got {shard!r}."
        )
    return np.array_split(np.arange(samples), int(found[2]))[int(found[1])]


def predict_epk(config: Config, paths: Paths, run: str, shard: str) -> None:
    """Explain one shard of the validation samples.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.
        shard: `"k/n"`.
    """
    epk = config.runs[run].epk
    opened = kernel_of_run(config, paths, run)
    data = opened.data
    rows = shard_rows(shard, epk.samples or len(data.y_validation))
    result = opened.kernel.explain(
        data.x_validation[rows],
        data.y_validation[rows],
        epk.functional,
        intervals=epk.intervals,
        keep=epk.keep,
    )
    extra = {
        "test_index": rows,
        "test_target": data.y_validation[rows].numpy(),
        "train_target": data.y_train.numpy(),
    }
    result = result.assign(
        {name: described(ARRAYS, name, values) for name, values in extra.items()}
    )
    attributes = {
        **result.attrs,
        "stage": "predict_epk",
        "config": stage_config(config, "predict_epk", run),
        "shard": shard,
    }
    path = paths.shard(run, shard.replace("/", "-of-"))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_store(path, result, attributes)
    logger.info("explained %d samples, shard %s", len(rows), shard)
