"""The rule `predict_epk`: the influence store of one shard of the explained samples."""

import logging
import re

import numpy as np
import torch
import xarray as xr

from explaind.config.epk import Epk
from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.errors import ConfigError
from explaind.kernel.result import ARRAYS, described
from explaind.paths import Paths, shard_label
from explaind.pipeline.load_kernel import RunKernel, load_kernel
from explaind.pipeline.query_blocks import explain_blocks, write_blocks
from explaind.pipeline.stored_plan import read_plan
from explaind.plan.machine import MEGABYTE, peak_bytes

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
    numbers = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not numbers or not int(numbers[1]) < int(numbers[2]) <= samples:
        raise ConfigError(
            f"--shard: expected K/N with K < N <= {samples}, the number of explained"
            f" samples, got {shard!r}."
        )
    return np.array_split(np.arange(samples), int(numbers[2]))[int(numbers[1])]


def segment_numbers(segment: str) -> tuple[int, int]:
    """Number of a time segment and of all of them.

    Args:
        segment: `"t/m"`, segment t of m, counted from 0.

    Returns:
        `(t, m)`.

    Raises:
        ConfigError: if `segment` is not of that form.
    """
    numbers = re.fullmatch(r"(\d+)/(\d+)", segment)
    if not numbers or not int(numbers[1]) < int(numbers[2]):
        raise ConfigError(f"--segment: expected T/M with T < M, got {segment!r}.")
    return int(numbers[1]), int(numbers[2])


def predict_epk(config: Config, paths: Paths, run: str, shard: str, segment: str = "0/1") -> None:
    """Explain one shard of the samples over one time segment, in blocks as planned.

    A plan, dataset or history that is missing or does not fit is refused (`StoreError`).

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.
        shard: `"k/n"`.
        segment: `"t/m"`, part of the training steps.
    """
    plan, epk = read_plan(config, paths, run), config.runs[run].epk
    opened, part = load_kernel(config, paths, run), segment_numbers(segment)
    rows = shard_rows(shard, epk.samples or len(opened.data.x_validation))
    projected = plan["jobs"]["predict_epk"]["peak_bytes"]
    attributes = {
        "stage": "predict_epk",
        "config": stage_config(config, "predict_epk", run),
        "shard": shard,
        "segment": segment,
    }
    path = paths.shard(run, shard_label(shard, segment))
    blocks = explain_blocks(
        lambda block: _explained(opened, epk, rows[block], part),
        len(rows),
        plan["samples_per_block"],
    )
    write_blocks(path, blocks, len(rows), attributes, lambda: _measured(opened, projected))
    logger.info("explained %d samples, shard %s, segment %s", len(rows), shard, segment)


def _explained(opened: RunKernel, epk: Epk, rows: np.ndarray, part: tuple[int, int]) -> xr.Dataset:
    """The influence on some rows of the validation split."""
    data = opened.data
    result = opened.kernel.explain(
        data.x_validation[rows],
        data.y_validation[rows],
        epk.functional,
        intervals=epk.intervals,
        credit=epk.credit,
        keep=epk.keep,
        top=epk.top,
        train_samples=epk.train_samples,
        groups=None if epk.groups is None else data.labels(epk.groups),
        segment=part,
    )
    extra = {"test_index": rows}
    if data.y_train.dim() == 1:  # a class or number, no text
        extra["test_target"] = data.y_validation[rows].numpy()
        if epk.groups is None:
            kept = result.get("train_index", slice(None))
            extra["train_target"] = data.y_train.numpy()[kept]
    return result.assign({name: described(ARRAYS, name, values) for name, values in extra.items()})


def _measured(opened: RunKernel, projected: int) -> dict[str, int]:
    """The peak memory of this process beside the projected one."""
    peak = peak_bytes(torch.device(opened.kernel.history.device))
    logger.info(
        "peak memory %.0f MB, %.2f times the projected %.0f MB",
        peak / MEGABYTE,
        peak / projected,
        projected / MEGABYTE,
    )
    return {"peak_bytes": peak, "projected_bytes": projected}
