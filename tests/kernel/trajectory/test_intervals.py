"""Segments of the steps: computed on their own and added, they are the single pass."""

from functools import cache

import numpy as np
import pytest
import torch
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import OneCycleLR

from explaind.choices import OUTPUT_ARRAYS
from explaind.errors import RecordingError, StoreError
from explaind.history.replay.history import History
from explaind.kernel.trajectory.intervals import segment_of
from explaind.pipeline.accumulate import merge_stores
from explaind.store import open_sealed, write_store
from tests.kernel.engine import explain, record
from tests.oracles.problems import Problem, all_outputs

STEPS = 30


def two_groups(model):
    """The warm-up is as long as the group that forgets last asks for."""
    first = list(model.first.parameters())
    rest = [*model.second.parameters(), *model.last.parameters()]
    groups = [{"params": rest}, {"params": first, "momentum": 0.1, "weight_decay": 0.3}]
    return SGD(groups, lr=0.05, momentum=0.2, weight_decay=0.1, nesterov=True)


OPTIMIZERS = {
    "sgd": lambda model: SGD(model.parameters(), lr=0.1, weight_decay=0.1),
    "momentum": lambda model: SGD(
        model.parameters(), lr=0.05, momentum=0.2, weight_decay=0.1, dampening=0.2
    ),
    "groups": two_groups,
    "adamw": lambda model: AdamW(model.parameters(), lr=0.02, betas=(0.2, 0.9), weight_decay=0.3),
}


def problem_of(name):
    return Problem(
        name, OPTIMIZERS[name], steps=STEPS, seed=150, outputs="all", functional=all_outputs
    )


PARAMS = [pytest.param(n, marks=[] if n == "groups" else pytest.mark.long) for n in OPTIMIZERS]


@pytest.fixture(scope="module", params=PARAMS)
def run(request, tmp_path_factory):
    """A recorded problem and a function that explains test samples of it."""
    problem = problem_of(request.param)
    folder = tmp_path_factory.mktemp("history")
    model = record(problem, folder / "run.zarr", chunk=7)
    x, y = problem.test_data()

    def explained(rows=slice(None), **options):
        return explain(
            problem,
            folder / "run.zarr",
            model,
            queries=(x[rows], y[rows]),
            **{"intervals": 4, "keep": OUTPUT_ARRAYS, "train_samples": [0, 3, 11], "top": 3}
            | options,
        )

    explained.problem, explained.store = problem, folder / "run.zarr"
    explained.in_one_pass = cache(lambda credit: explained(credit=credit))
    return explained


def stored(dataset, path, shard, segment):
    write_store(path, dataset, {**dataset.attrs, "shard": shard, "segment": segment})
    return path


def merged(run, folder, segments, **options):
    """Two shards times some segments, stored, merged and read."""
    stores = [
        [
            stored(
                run(rows, segment=(t, segments), **options),
                folder / f"{k}_{t}.zarr",
                f"{k}/2",
                f"{t}/{segments}",
            )
            for t in range(segments)
        ]
        for k, rows in enumerate((slice(0, 2), slice(2, 3)))
    ]
    merge_stores(stores, folder / "all.zarr", top=3)
    return open_sealed(folder / "all.zarr").load()


def assert_same(found, expected, tolerance):
    assert set(found.data_vars) == set(expected.data_vars)
    for name in found.data_vars:
        size = expected["data" if "residual" in name or name == "rounding" else name]
        scale = float(np.abs(size).max())
        assert found[name].dims == expected[name].dims
        np.testing.assert_allclose(
            found[name], expected[name], rtol=0, atol=tolerance * scale, err_msg=name
        )


@pytest.mark.parametrize(
    ("segments", "credit"), [(1, "gradient_step"), (3, "gradient_step"), (2, "application_step")]
)
def test_segments_add_up_to_the_single_pass(run, segments, credit, tmp_path):
    found = merged(run, tmp_path, segments, credit=credit)
    assert_same(found, run.in_one_pass(credit), tolerance=1e-11)
    assert found.attrs["completeness_error"] < 1e-10
    assert found.attrs["credit"] == credit
    assert not {"shard", "segment"} & set(found.attrs)


@pytest.mark.parametrize("run", ["adamw"], indirect=True)
def test_segments_in_float32(run, tmp_path):
    options = {"dtype": torch.float32, "keep": ["influence", "top"], "train_samples": None}
    found, expected = merged(run, tmp_path, 3, **options), run(**options)
    scale = float(np.abs(expected.influence).max())
    np.testing.assert_allclose(found.influence, expected.influence, rtol=0, atol=2e-6 * scale)
    np.testing.assert_allclose(found.helpful_influence, expected.helpful_influence, rtol=1e-4)
    assert found.influence.dtype == np.float32


@pytest.mark.parametrize("run", ["adamw"], indirect=True)
def test_a_segment_alone_says_that_it_is_no_whole(run):
    part = run(segment=(1, 3))
    assert "residual" not in part
    assert "completeness_error" not in part.attrs
    assert part.sizes["step"] == STEPS // 3


def test_the_warm_up_ends_where_the_momentum_is_forgotten(run):
    """0.2^18 < 1e-12 < 0.2^17, counted from the first step after the segment."""
    history = History(run.store)
    expected = {"sgd": 0, "groups": 17, "momentum": 17, "adamw": 17}
    part = segment_of(history, 0, 3, tolerance=1e-12)
    assert (part.start, part.stop) == (0, 10)
    assert part.warm_up == 10 + expected[run.problem.name]
    last = segment_of(history, 2, 3, tolerance=1e-12)
    assert (last.start, last.stop, last.warm_up) == (20, STEPS, STEPS)


def test_momentum_that_changes_over_time(tmp_path):
    """The recorded factors are used, step by step."""
    problem = Problem(
        "one_cycle",
        lambda model: SGD(model.parameters(), lr=0.05, momentum=0.2),
        steps=STEPS,
        scheduler=lambda optimizer: OneCycleLR(
            optimizer, max_lr=0.1, total_steps=STEPS + 1, base_momentum=0.05, max_momentum=0.3
        ),
    )
    model = record(problem, tmp_path / "run.zarr")
    history = History(tmp_path / "run.zarr")
    factors = [history.largest("mu", s) for s in range(STEPS)]
    part = segment_of(history, 0, 3, tolerance=1e-7)
    assert np.prod(factors[10 : part.warm_up]) > 1e-7 >= np.prod(factors[10 : part.warm_up + 1])
    stores = [
        [
            stored(
                explain(problem, tmp_path / "run.zarr", model, segment=(t, 3)),
                tmp_path / f"{t}.zarr",
                "0/1",
                f"{t}/3",
            )
            for t in range(3)
        ]
    ]
    merge_stores(stores, tmp_path / "all.zarr", top=1)
    expected = explain(problem, tmp_path / "run.zarr", model)
    assert_same(open_sealed(tmp_path / "all.zarr").load(), expected, tolerance=1e-11)


@pytest.mark.parametrize("run", ["sgd"], indirect=True)
def test_segments_that_do_not_add_up_are_refused(run, tmp_path):
    """One segment of another run: what a check inside of a segment could not see."""
    parts = [run(segment=(t, 2)) for t in range(2)]
    parts[1] = parts[1].assign(data=parts[1].data * 1.1)
    stores = [[stored(p, tmp_path / f"{t}.zarr", "0/1", f"{t}/2") for t, p in enumerate(parts)]]
    with pytest.raises(RecordingError, match="adds up to something else"):
        merge_stores(stores, tmp_path / "all.zarr", top=1)
    assert not (tmp_path / "all.zarr").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"intervals": 3}, "0/2 \\(segment 0/1\\) and 1/2 \\(segment 0/1\\) have different axes"),
        ({"train_samples": [0, 3, 10]}, "differ in train_index"),
        ({"keep": ["influence"]}, "differ in"),
    ],
)
def test_shards_that_do_not_fit_are_refused(change, message, tmp_path):
    problem = problem_of("sgd").but(steps=8)
    model = record(problem, tmp_path / "run.zarr")
    fixed = {"intervals": 2, "train_samples": [0, 3, 11]}
    stores = [
        [
            stored(
                explain(problem, tmp_path / "run.zarr", model, **fixed | options),
                tmp_path / f"{k}.zarr",
                f"{k}/2",
                "0/1",
            )
        ]
        for k, options in enumerate(({}, change))
    ]
    with pytest.raises(StoreError, match=message):
        merge_stores(stores, tmp_path / "all.zarr", top=1)
