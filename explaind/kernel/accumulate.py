"""The rule `accumulate_kernel`: all shards of a run gathered in one influence store."""

import logging

import numpy as np
import xarray as xr

from explaind.config import Config, stage_config
from explaind.errors import StoreError
from explaind.kernel.plan.stored import shard_count
from explaind.paths import Paths
from explaind.store import labels_of, new_store, open_sealed, spec_of

logger = logging.getLogger(__name__)

_OF_SHARD = {"shard", "measured"}  # attributes


def accumulate_kernel(config: Config, paths: Paths, run: str) -> None:
    """Gather `results/{run}/epk/*.zarr` in `results/{run}/influence.zarr`.

    One array of one shard is in memory at a time.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.

    Raises:
        StoreError: if a shard is missing, incomplete, of another configuration or does not fit the
            others.
    """
    count = shard_count(config, paths, run)
    expected = stage_config(config, "predict_epk", run)
    shards = [
        open_sealed(paths.shard(run, f"{k}-of-{count}"), expected, rule="predict_epk")
        for k in range(count)
    ]
    first = shards[0]
    for shard in shards[1:]:
        _check_fits(first, shard)
    total = sum(shard.sizes["test"] for shard in shards)
    specs = {str(name): spec_of(array, {"test": total}) for name, array in first.data_vars.items()}
    attributes = {
        **{key: value for key, value in first.attrs.items() if key not in _OF_SHARD},
        "stage": "accumulate_kernel",
        "account_mismatch": max(shard.attrs["account_mismatch"] for shard in shards),
        "coordinates": labels_of(first),
    }
    with new_store(paths.influence(run), specs, attributes) as writer:
        start = 0
        for shard in shards:
            stop = start + shard.sizes["test"]
            for name, array in shard.data_vars.items():
                if "test" in array.dims or start == 0:
                    writer.write_region(str(name), {"test": slice(start, stop)}, array.values)
            start = stop
    logger.info("gathered %d samples from %d shards", total, count)


def _check_fits(first: xr.Dataset, other: xr.Dataset) -> None:
    """Refuse shards whose shared axes differ (made from different histories)."""
    for name, array in first.data_vars.items():
        if "test" not in array.dims and not np.array_equal(array.values, other[name].values):
            raise StoreError(
                f"The shards {first.attrs['shard']} and {other.attrs['shard']} differ in {name}."
                " Run the rule `predict_epk` for all shards again."
            )
    lengths = {dim: size for dim, size in first.sizes.items() if dim != "test"}
    found = {dim: size for dim, size in other.sizes.items() if dim != "test"}
    if lengths != found:
        raise StoreError(
            f"The shards {first.attrs['shard']} and {other.attrs['shard']} have different axes:"
            f" {lengths} and {found}. Run the rule `predict_epk` for all shards again."
        )
