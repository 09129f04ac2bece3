"""What is known of a run only when its time segments are added: residuals and top samples."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
import xarray as xr

from explaind.kernel.collectors.strongest import BY_COMPONENT, TOP, TOTAL, top_samples
from explaind.kernel.completeness import (
    GROSS,
    STEP_SUMS,
    Completeness,
    complete,
    warn_of_incompleteness,
)
from explaind.kernel.result import ARRAYS, described
from explaind.pipeline.merge_stores import Block, MergedStores, Region, chunks_of
from explaind.store import ArraySpec, spec_of

USED_UP = (*STEP_SUMS, GROSS, TOTAL, TOTAL + BY_COMPONENT)
"""Arrays of the segments that are needed here only."""

COMPLETING = ("residual", "rounding")


class MergedSegments:
    """The arrays that the segments of a run lack.

    Args:
        stores: all shards and segments.
        top: most helpful and harmful training samples kept, if the segments handed totals on.

    Attributes:
        specs: the arrays by name.
        completeness: how complete the decomposition is.

    Raises:
        RecordingError: if the routes disagree.
    """

    def __init__(self, stores: MergedStores, top: int) -> None:
        self._stores = stores
        queries, unit = stores.spec("data").shape, stores.spec("data").units
        self.specs = {name: _spec(name, queries, np.float64, unit) for name in COMPLETING}
        self._endings = [end for end in ("", BY_COMPONENT) if TOTAL + end in stores.names]
        for ending in self._endings:
            total = stores.spec(TOTAL + ending)
            shape = (*total.shape[:-1], min(top, total.shape[-1]))
            for name in TOP:
                dtype = np.int64 if "index" in name else np.dtype(total.dtype)
                self.specs[name + ending] = _spec(name + ending, shape, dtype, unit)
        worst = zip(*(completeness for _, _, completeness in self._completed()), strict=True)
        self.completeness = Completeness(*map(max, worst))
        computed = str(stores.first.attrs["computed_dtype"])
        warn_of_incompleteness(self.completeness, stores.largest("step_rounding"), computed)

    def blocks(self) -> Iterator[Block]:
        """Yield the arrays, chunk by chunk."""
        for region, completed, _ in self._completed():
            for name, values in completed.items():
                yield Block(name, region, values)
        for ending in self._endings:
            for region in chunks_of(self.specs[TOP[0] + ending]):
                for name, values in self._strongest(region, ending).items():
                    yield Block(name + ending, region, values)

    def _completed(self) -> Iterator[tuple[Region, dict[str, np.ndarray], Completeness]]:
        names = ["data", "decay", "initial_output", "final_output", GROSS, *STEP_SUMS]
        names += {"carry"} & set(self._stores.names)
        attributes = self._stores.first.attrs
        dtypes = {attributes["computed_dtype"], attributes["recorded_dtype"]}
        for region in chunks_of(self.specs["residual"]):
            sums = {name: self._stores.read(name, region) for name in names}
            yield region, *complete(sums, dtypes, attributes["precision"])

    def _strongest(self, region: Region, ending: str) -> dict[str, np.ndarray]:
        """The top samples of some queries, some rows of the totals at a time."""
        specs = {name: self.specs[name + ending] for name in TOP}
        shape = [cut.stop - cut.start for cut in region.values()]
        strongest = {name: np.empty(shape, spec.dtype) for name, spec in specs.items()}
        rows = self._stores.spec(TOTAL + ending).chunks[:-1]
        for inner in chunks_of(
            replace(specs[TOP[0]], shape=tuple(shape), chunks=(*rows, shape[-1]))
        ):
            outer = {
                dim: slice(region[dim].start + cut.start, region[dim].start + cut.stop)
                for dim, cut in inner.items()
                if dim != "rank"
            }
            total = torch.from_numpy(self._stores.read(TOTAL + ending, outer))
            for name, values in top_samples(total, shape[-1]).items():
                strongest[name][tuple(inner.values())] = values.numpy()
        return strongest


def _spec(name: str, shape: tuple[int, ...], dtype: np.typing.DTypeLike, unit: str) -> ArraySpec:
    """What an array of an influence store is."""
    values = np.broadcast_to(np.zeros((), dtype), shape)  # takes no memory
    return spec_of(xr.DataArray(xr.Variable(*described(ARRAYS, name, values, unit))))
