"""Output arrays: each against the oracle or the dense arrays, and nothing that nobody asked for."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from explaind.choices import OUTPUT_ARRAYS
from explaind.errors import ConfigError
from explaind.kernel.collectors import influence as influence_sums
from explaind.kernel.collectors import parameters as parameter_scores
from explaind.kernel.collectors.output_arrays import DEFAULT_ARRAYS
from tests.kernel.engine import explain, record, record_and_explain
from tests.kernel.trajectory.test_adjoint import (
    ROWS,
    assert_equal,
    everything_at_once,
    one_group,
)
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.forward_path_kernel import explain as oracle_of
from tests.oracles.problems import TRAIN_SAMPLES, Problem

QUERY = ("test", "output")
ARRAYS_OF = {
    "influence": {"influence", "train_index"},
    "component": {"influence_by_component", "train_index"},
    "interval": {"influence_by_interval", "train_index"},
    "parameter": {"parameter_data", "parameter_decay"},
    "step_component": {"step_data_by_component", "step_decay_by_component"},
    "absolute": {"step_absolute_by_component", "step_net_by_component"},
    "top_component": {
        f"{kind}_{what}_by_component"
        for kind in ("helpful", "harmful")
        for what in ("index", "influence")
    },
    "top": {"helpful_index", "helpful_influence", "harmful_index", "harmful_influence"},
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A recorded problem with several outputs, and a function that explains it."""
    problem = everything_at_once("adam_l2", seed=7)
    store = tmp_path_factory.mktemp("history") / "run.zarr"
    model = record(problem, store)
    return lambda **options: explain(problem, store, model, **{"intervals": 3} | options)


@pytest.fixture(scope="module")
def everything(recorded):
    return recorded(keep=OUTPUT_ARRAYS)


def assert_same(found, expected):
    """All arrays of `found`; residuals of a smooth model are rounding, held against the data."""
    for name in found.data_vars:
        size = expected["data" if "residual" in name or name == "rounding" else name]
        scale = float(np.abs(size).max())
        np.testing.assert_allclose(
            found[name], expected[name], rtol=0, atol=1e-12 * scale, err_msg=name
        )


@pytest.mark.parametrize("kept", OUTPUT_ARRAYS)
def test_each_array_alone_is_what_it_is_among_all(kept, recorded, everything):
    found = recorded(keep=[kept])
    others = set().union(*(ARRAYS_OF[name] for name in OUTPUT_ARRAYS)) - ARRAYS_OF[kept]
    assert set(found.data_vars) == set(everything.data_vars) - others
    assert_same(found, everything)
    needs = {"component", "interval", "step_component", "absolute", "top_component"}
    assert ("component" in found.coords) == (kept in needs)


def test_totals_need_no_array(recorded, everything):
    found = recorded(keep=[])
    np.testing.assert_allclose(found.data, everything.influence.sum("train"), rtol=1e-10)
    assert "train" not in found.sizes


def test_the_default_has_what_the_figures_read():
    assert set(DEFAULT_ARRAYS) == set(OUTPUT_ARRAYS) - {"parameter", "top", "top_component"}


@pytest.mark.parametrize("row", ROWS)
def test_parameter_scores_equal_the_forward_recursion(row, tmp_path):
    """Unequal batches, groups, clipping, L2 through momentum or decoupled decay."""
    problem = everything_at_once(row, seed=90 + list(ROWS).index(row))
    found = record_and_explain(problem, tmp_path, intervals=4, keep=["parameter"])
    oracle = oracle_of(
        problem.path(), problem.functional, *problem.test_data(), gauss_legendre_nodes(3)
    )
    bounds = [*found.interval_start.values, problem.steps]
    for name, expected in (("data", oracle.parameter_data), ("decay", oracle.parameter_decay)):
        scores = found[f"parameter_{name}"]
        bins = [expected[start:stop].sum(0) for start, stop in pairwise(bounds)]
        assert_equal(scores.transpose("interval", *QUERY, "param"), torch.stack(bins), name)
        assert_equal(scores.sum(("interval", "param")), found[f"step_{name}"].sum("step"), name)


def test_parameter_scores_are_those_of_the_listed_tensors(recorded, everything):
    spans = {row["name"]: slice(row["start"], row["stop"]) for row in everything.tensors}
    by_tensor = everything.step_data_by_component.sum("step")
    for name, span in spans.items():
        summed = everything.parameter_data.sum("interval").isel(param=span).sum("param")
        np.testing.assert_allclose(summed, by_tensor.sel(component=name), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("count", [1, 4, 100])
@pytest.mark.parametrize(("kept", "ending"), [("top", ""), ("top_component", "_by_component")])
def test_top_samples_are_the_ends_of_the_sorted_influence(
    kept, ending, count, recorded, everything
):
    found = recorded(keep=[kept], top=count)
    count = min(count, TRAIN_SAMPLES)
    influence = everything[f"influence{ending}"].values
    order = np.argsort(influence, axis=-1)
    np.testing.assert_array_equal(found[f"harmful_index{ending}"], order[..., :count])
    np.testing.assert_array_equal(found[f"helpful_index{ending}"], order[..., ::-1][..., :count])
    for kind in ("helpful", "harmful"):
        index = found[f"{kind}_index{ending}"].values
        expected = np.take_along_axis(influence, index, axis=-1)
        np.testing.assert_allclose(found[f"{kind}_influence{ending}"], expected, rtol=1e-9)


def test_a_subset_of_the_training_samples(recorded, everything):
    """Dense arrays are cut; totals, absolute sums and top samples are still those of all."""
    found = recorded(keep=OUTPUT_ARRAYS, train_samples=[7, 2, 2, 11])
    assert found.train_index.values.tolist() == [2, 7, 11]
    assert found.attrs["train_samples"] == TRAIN_SAMPLES
    assert_same(found, everything.isel(train=[2, 7, 11]))


def test_one_array_needs_no_list(recorded):
    assert recorded(keep="influence").equals(recorded(keep=["influence"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": ["steps"]}, r"keep: unknown \['steps'\]"),
        ({"train_samples": [12]}, "train_samples: expected indices from 0 to 11"),
        ({"train_samples": [-1]}, "train_samples: expected indices from 0 to 11"),
        ({"train_samples": []}, "train_samples: expected"),
        ({"credit": "momentum"}, "credit: expected one of"),
        ({"intervals": 0}, "intervals: expected a whole number, at least 1, got 0"),
        ({"top": 0}, "top: expected a whole number, at least 1"),
        ({"block": 0}, "block: expected at least 1 sample per forward pass, got 0"),
        ({"segment": (2, 2)}, "segment: expected number < count"),
    ],
)
def test_a_mistake_is_named(options, message, recorded):
    with pytest.raises(ConfigError, match=message):
        recorded(**options)


QUERIES, COMPONENTS, INTERVALS, PARAMS = 3, 6, 3, 83


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ((), []),
        (("step_component", "absolute"), []),
        (("influence",), [("float64", (1, QUERIES, TRAIN_SAMPLES))]),
        (("top",), [("float64", (1, QUERIES, TRAIN_SAMPLES))]),
        (("component",), [("float64", (COMPONENTS, QUERIES, TRAIN_SAMPLES))]),
        (("top_component",), [("float64", (COMPONENTS, QUERIES, TRAIN_SAMPLES))]),
        (
            ("interval",),
            [
                ("float32", (INTERVALS, COMPONENTS, QUERIES, TRAIN_SAMPLES)),
                ("float64", (COMPONENTS, QUERIES, TRAIN_SAMPLES)),
            ],
        ),
        (
            ("parameter",),
            [
                ("float32", (2, INTERVALS, QUERIES, PARAMS)),
                ("float64", (2, QUERIES, PARAMS)),
            ],
        ),
    ],
)
def test_nothing_dense_that_nobody_asked_for(keep, expected, tmp_path, monkeypatch):
    """Every large array that is allocated, and the axes of what the training side returns."""
    problem = Problem("memory", one_group("adamw"), batch_size=TRAIN_SAMPLES)
    seen = set()

    def watched(real):
        def make(*arguments, **options):
            array = real(*arguments, **options)
            if array.numel() >= QUERIES * TRAIN_SAMPLES:
                seen.add((str(array.dtype).removeprefix("torch."), tuple(array.shape)))
            return array

        return make

    for module in (influence_sums, parameter_scores):
        fake = type("Torch", (), dict(vars(torch)))
        fake.zeros = staticmethod(watched(torch.zeros))
        monkeypatch.setattr(module, "torch", fake)
    monkeypatch.setattr(torch.Tensor, "new_zeros", watched(torch.Tensor.new_zeros))
    record_and_explain(problem, tmp_path, intervals=INTERVALS, keep=keep, dtype=torch.float32)
    by_component = bool(set(keep) & {"component", "interval", "absolute", "top_component"})
    contracted = ("float64", (COMPONENTS if by_component else 1, TRAIN_SAMPLES, QUERIES))
    one_tensor = ("float64", (TRAIN_SAMPLES, QUERIES))
    assert contracted in seen
    kept = {(kind, shape) for kind, shape in seen if kind == "float64" or len(shape) > 3}
    assert kept - {contracted, one_tensor} == set(expected)
