"""Merging stores chunk by chunk: any cut of the samples and steps gives the same whole."""

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explaind.errors import DamagedStoreError
from explaind.kernel.collectors.strongest import top_samples
from explaind.kernel.completeness import GROSS, STEP_SUMS
from explaind.kernel.result import SUMMED, build_dataset
from explaind.pipeline import accumulate
from explaind.pipeline.accumulate import merge_stores
from explaind.pipeline.merge_stores import Block, MergedStores, RawChunk, chunks_of
from explaind.store import open_sealed, spec, write_store
from explaind.store.spec import spec_of

TRAIN, OUTPUTS, COMPONENTS = 5, 2, 3
ATTRIBUTES = {
    "computed_dtype": "float64",
    "recorded_dtype": "float64",
    "precision": "float64",
    "precision_error": 0.0,
    "step_rounding": 0.0,
    "completeness_error": 0.0,
    "completeness_in_roundings": 0.0,
}


def whole_run(tests, steps, intervals):
    """All arrays of a run with numbers that are whole, so that any order of sums is exact."""
    random = np.random.default_rng(3)

    def numbers(*shape):
        return random.integers(-9, 9, shape).astype(np.float32)

    query = (tests, OUTPUTS)
    bounds = np.linspace(0, steps, intervals + 1).round().astype(int)
    arrays = {
        "influence_by_interval": numbers(intervals, COMPONENTS, *query, TRAIN),
        "step_data": numbers(steps, *query).astype(float),
        "subintervals": random.integers(1, 9, (steps, tests)).astype(np.uint16),
        "initial_output": numbers(*query).astype(float),
        "final_output": numbers(*query).astype(float),
        "decay": numbers(*query).astype(float),
        "interval_start": bounds[:-1],
        "interval_stop": bounds[1:],
        "train_index": np.arange(TRAIN),
    }
    arrays["influence"] = arrays["influence_by_interval"].sum((0, 1))
    arrays["data"] = arrays["step_data"].sum(0)
    names = tuple(f"component {k}" for k in range(COMPONENTS))
    return build_dataset(arrays, names, ["a", "b"], ATTRIBUTES, "nat")


def segment_of(run, steps, others):
    """What a segment of the steps would have found; `others` segments before it hold ones."""
    part = run.isel(step=slice(*steps))
    summed = [name for name in part.data_vars if name in SUMMED]
    added = {name: part[name] * 0 + 1 if others is None else part[name] - others for name in summed}
    total = added["influence"].rename(train="sample").assign_attrs(part["influence"].attrs)
    sums = {
        name: (np.abs(part["step_data"]) if "absolute" in name else part["step_data"] * 1)
        .sum("step")
        .assign_attrs(units="nat", description="")
        for name in STEP_SUMS
    }
    sums[GROSS] = (abs(part["influence"]).sum("train") * 1.0).assign_attrs(
        units="nat", description=""
    )
    kept = {name: array.assign_attrs(part[name].attrs) for name, array in added.items()}
    return part.assign(kept).assign(sums).assign(influence_total=total)


def cut(run, folder, tests, steps=None):
    """Store the parts of a run; `tests` and `steps` are the bounds of the parts."""
    paths = []
    for k, (start, stop) in enumerate(pairwise(tests)):
        shard, row = run.isel(test=slice(start, stop)), []
        bounds = steps or (0, run.sizes["step"])
        for t, pair in enumerate(pairwise(bounds)):
            others = len(bounds) - 2
            part = segment_of(shard, pair, others if t == others else None) if steps else shard
            row.append(folder / f"{k}_{t}.zarr")
            names = {"shard": f"{k}/{len(tests) - 1}", "segment": f"{t}/{len(bounds) - 1}"}
            write_store(row[-1], part, {**part.attrs, **names})
        paths.append(row)
    return paths


BOUNDS = st.lists(st.integers(1, 8), max_size=3, unique=True).map(sorted)


@settings(max_examples=6, deadline=None)
@given(inner=BOUNDS, chunk_bytes=st.sampled_from([64, 200, 10**6]))
@example(inner=[3], chunk_bytes=100)  # two rows a chunk: those of the second shard lie between
def test_shards_cut_anywhere_give_the_whole_back(inner, chunk_bytes):
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(spec, "TARGET_CHUNK_BYTES", chunk_bytes)
        run, folder = whole_run(tests=9, steps=6, intervals=2), Path(name)
        merge_stores(cut(run, folder, [0, *inner, 9]), folder / "all.zarr", top=1)
        found = open_sealed(folder / "all.zarr").load()
        xr.testing.assert_equal(found, run)


@pytest.mark.long
@settings(max_examples=4, deadline=None)
@given(
    inner=BOUNDS,
    steps=st.sampled_from([[3], [1, 2], [2, 3, 5]]),
    chunk_bytes=st.sampled_from([64, 10**6]),
)
@example(inner=[5], steps=[3], chunk_bytes=64)  # a chunk of sums across two shards
def test_segments_are_added_and_their_steps_laid_side_by_side(inner, steps, chunk_bytes):
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(spec, "TARGET_CHUNK_BYTES", chunk_bytes)
        run, folder = whole_run(tests=9, steps=6, intervals=2), Path(name)
        paths = cut(run, folder, [0, *inner, 9], [0, *steps, 6])
        merge_stores(paths, folder / "all.zarr", top=2)
        found = open_sealed(folder / "all.zarr").load()
        xr.testing.assert_equal(found[list(run.data_vars)], run)
        residual = run.final_output - run.initial_output - run.data - run.decay
        np.testing.assert_array_equal(found.residual, residual)
        np.testing.assert_array_equal(found.rounding, residual - run.step_data.sum("step"))
        assert not {*STEP_SUMS, GROSS, "influence_total"} & set(found)
        best = np.sort(run.influence.values, axis=-1)
        np.testing.assert_array_equal(found.helpful_influence, best[..., ::-1][..., :2])
        np.testing.assert_array_equal(found.harmful_influence, best[..., :2])


@pytest.fixture
def shards(tmp_path, monkeypatch):
    """Two equal shards whose arrays have several chunks of at most 200 bytes."""
    monkeypatch.setattr(spec, "TARGET_CHUNK_BYTES", 200)
    return cut(whole_run(tests=8, steps=6, intervals=2), tmp_path, [0, 4, 8])


def test_equal_shards_move_chunk_by_chunk_undecoded(shards):
    merged = MergedStores(shards)
    pieces = [
        merged.read_chunk(name, region)
        for name in ("influence", "influence_by_interval", "step_data", "data")
        for region in chunks_of(merged.spec(name))
    ]
    assert len(pieces) > 15
    assert {type(piece) for piece in pieces} == {RawChunk}


def test_equal_segments_are_added_chunk_by_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(spec, "TARGET_CHUNK_BYTES", 200)
    merged = MergedStores(
        cut(whole_run(tests=8, steps=6, intervals=2), tmp_path, [0, 4, 8], [0, 6])
    )
    parted = cut(whole_run(tests=8, steps=6, intervals=2), tmp_path / "t", [0, 4, 8], [0, 2, 6])
    added = MergedStores(parted)
    for name in ("influence", "influence_total", "data"):
        for region in chunks_of(merged.spec(name)):
            found, expected = (run.read_chunk(name, region) for run in (added, merged))
            assert isinstance(found, RawChunk)
            assert _whole(found) == _whole(expected)


def _whole(chunk):
    return chunk.number, b"".join(chunk.content)


def test_no_more_than_a_chunk_is_read_at_a_time(shards, monkeypatch, tmp_path):
    """Whatever the number of stores: 200 bytes here, 16 MB in earnest."""
    sizes = []
    real = accumulate._chunks

    def watched(*arguments):
        for piece in real(*arguments):
            buffers = [piece.values] if isinstance(piece, Block) else piece.content
            sizes.append(sum(memoryview(buffer).nbytes for buffer in buffers))
            yield piece

    monkeypatch.setattr(accumulate, "_chunks", watched)
    merge_stores(shards, tmp_path / "all.zarr", top=1)
    assert max(sizes) <= 200 + 4
    assert len(sizes) > 25


def flipped(content):
    return bytes([content[0] ^ 1]) + content[1:]


@pytest.mark.parametrize(
    ("damage", "message"), [(flipped, "is corrupted"), (lambda _: b"", "is empty")]
)
def test_a_damaged_chunk_is_named(damage, message, shards, tmp_path):
    file = shards[1][0] / "influence" / "c" / "0" / "0" / "0"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DamagedStoreError, match=f"1_0.zarr/influence/c/0/0/0 {message}"):
        merge_stores(shards, tmp_path / "all.zarr", top=1)
    assert not (tmp_path / "all.zarr").exists()


@pytest.mark.parametrize(
    ("size", "most", "expected"), [(7, 9, 7), (2000, 1048, 1000), (97, 50, 50), (10**6, 999, 800)]
)
def test_chunks_divide_the_array_where_they_can(size, most, expected, monkeypatch):
    monkeypatch.setattr(spec, "TARGET_CHUNK_BYTES", most)
    array = xr.DataArray(np.zeros(size, np.uint8), dims="test")
    assert spec_of(array).chunks == (expected,)


def test_top_samples_of_ties_and_short_rows():
    import torch

    found = top_samples(torch.tensor([[3.0, -1.0, 2.0]]), 5)
    assert found["helpful_index"].tolist() == [[0, 2, 1]]
    assert found["harmful_influence"].tolist() == [[-1.0, 2.0, 3.0]]
