"""The rule `accumulate_kernel`: all shards and segments of a run in one influence store."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.kernel.completeness import WORST
from explaind.paths import Paths, shard_labels
from explaind.pipeline.merge_segments import USED_UP, MergedSegments
from explaind.pipeline.merge_stores import Block, MergedStores, RawChunk, chunks_of
from explaind.pipeline.stored_plan import shard_count
from explaind.prefetch import prefetched
from explaind.store import ArraySpec, labels_of, new_store

logger = logging.getLogger(__name__)

OF_SHARD = {"shard", "segment", "measured"}
"""Attributes of a shard that say nothing of the whole."""


def accumulate_kernel(config: Config, paths: Paths, run: str) -> None:
    """Merge `results/{run}/epk/*.zarr` in `results/{run}/influence.zarr`.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.
    """
    epk = config.runs[run].epk
    expected = stage_config(config, "predict_epk", run)
    stores = [
        [paths.shard(run, label) for label in row]
        for row in shard_labels(shard_count(config, paths, run), epk.segments)
    ]
    merge_stores(stores, paths.influence(run), epk.top, expected)


def merge_stores(
    stores: Sequence[Sequence[Path]],
    target: Path,
    top: int,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Lay shards side by side and add segments, chunk by chunk.

    Memory depends neither on the number of stores nor on the length of their arrays. A store
    that is missing, incomplete or does not fit the others is refused (`StoreError`), and so are
    segments whose influence does not add up to the motion of the parameters (`RecordingError`).

    Args:
        stores: folders of the stores, by shard and segment.
        target: folder of the store that is made.
        top: most helpful and harmful training samples kept, if segments handed totals on.
        config: stage configuration that the stores must have been made with.
    """
    merged = MergedStores(stores, config)
    segments = MergedSegments(merged, top) if len(stores[0]) > 1 else None
    specs = {name: merged.spec(name) for name in merged.names if name not in USED_UP}
    attributes = _attributes(merged, segments)
    with new_store(target, {**specs, **(segments.specs if segments else {})}, attributes) as writer:
        for piece in prefetched(_chunks(merged, specs, segments)):
            if isinstance(piece, RawChunk):
                writer.write_raw(*piece)
            else:
                writer.write_region(*piece)
    logger.info("merged %d samples from %d stores", merged.sizes["test"], len(stores))


def _chunks(
    merged: MergedStores, specs: Mapping[str, ArraySpec], segments: MergedSegments | None
) -> Iterator[Block | RawChunk]:
    for name, spec in specs.items():
        for region in chunks_of(spec):
            yield merged.read_chunk(name, region)
    if segments:
        yield from segments.blocks()


def _attributes(merged: MergedStores, segments: MergedSegments | None) -> dict[str, Any]:
    attributes = {key: value for key, value in merged.first.attrs.items() if key not in OF_SHARD}
    completeness = segments.completeness.attributes() if segments else {}
    largest = {key: merged.largest(key) for key in WORST if key not in completeness}
    labels = labels_of(merged.first)
    return {
        **attributes,
        **largest,
        **completeness,
        "stage": "accumulate_kernel",
        "coordinates": labels,
    }
