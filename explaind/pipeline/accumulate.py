"""The rule `accumulate_kernel`: all shards and segments of a run in one influence store."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.paths import Paths, shard_labels
from explaind.pipeline.merge_segments import USED_UP, AddedSegments
from explaind.pipeline.merge_stores import Block, Gathered, chunks_of
from explaind.pipeline.raw_chunks import RawChunk
from explaind.pipeline.stored_plan import shard_count
from explaind.prefetch import prefetched
from explaind.store import ArraySpec, labels_of, new_store

logger = logging.getLogger(__name__)

OF_SHARD = {"shard", "segment", "measured"}
"""Attributes of a shard that say nothing of what is gathered."""


def accumulate_kernel(config: Config, paths: Paths, run: str) -> None:
    """Gather `results/{run}/epk/*.zarr` in `results/{run}/influence.zarr`.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.

    Raises:
        StoreError: if a store is missing, incomplete, of another configuration or does not fit the
            others.
        RecordingError: if the influence of all segments does not add up to the motion of the
            parameters.
    """
    epk = config.runs[run].epk
    expected = stage_config(config, "predict_epk", run)
    stores = [
        [paths.shard(run, label) for label in row]
        for row in shard_labels(shard_count(config, paths, run), epk.segments)
    ]
    gather_stores(stores, paths.influence(run), epk.top, expected)


def gather_stores(
    stores: Sequence[Sequence[Path]],
    target: Path,
    top: int,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Lay shards side by side and add segments, chunk by chunk.

    Memory depends neither on the number of stores nor on the length of their arrays.

    Args:
        stores: folders of the stores, by shard and segment.
        target: folder of the store that is made.
        top: most helpful and harmful training samples kept, if segments handed totals on.
        config: stage configuration that the stores must have been made with.

    Raises:
        StoreError: if a store is missing, incomplete or does not fit the others.
        RecordingError: if the segments do not add up.
    """
    gathered = Gathered(stores, config)
    added = AddedSegments(gathered, top) if len(stores[0]) > 1 else None
    specs = {name: gathered.spec(name) for name in gathered.names if name not in USED_UP}
    attributes = _attributes(gathered, added)
    with new_store(target, {**specs, **(added.specs if added else {})}, attributes) as writer:
        for piece in prefetched(_chunks(gathered, specs, added)):
            if isinstance(piece, RawChunk):
                writer.write_raw(*piece)
            else:
                writer.write_region(*piece)
    logger.info("gathered %d samples of %d shards", gathered.sizes["test"], len(stores))


def _chunks(
    gathered: Gathered, specs: Mapping[str, ArraySpec], added: AddedSegments | None
) -> Iterator[Block | RawChunk]:
    for name, spec in specs.items():
        for region in chunks_of(spec):
            yield gathered.read_chunk(name, region)
    if added:
        yield from added.blocks()


def _attributes(gathered: Gathered, added: AddedSegments | None) -> dict[str, Any]:
    attributes = {key: value for key, value in gathered.first.attrs.items() if key not in OF_SHARD}
    largest = {
        "precision_deviation": gathered.largest("precision_deviation"),
        "account_mismatch": added.mismatch if added else gathered.largest("account_mismatch"),
    }
    labels = labels_of(gathered.first)
    return {**attributes, **largest, "stage": "accumulate_kernel", "coordinates": labels}
