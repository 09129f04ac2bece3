"""Completeness: the two routes to the data part are compared, and what is left is the residual."""

from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.optim import SGD, AdamW

import explaind
from explaind.errors import RecordingError
from explaind.kernel.completeness import (
    GROSS,
    Completeness,
    complete,
    step_rounding,
    step_sums,
    warn_of_incompleteness,
)
from tests.kernel.engine import explain, record
from tests.oracles.problems import Problem

PROBLEM = Problem("adamw", lambda model: AdamW(model.parameters(), lr=0.05, weight_decay=0.5))

STEPS = {
    "step_data": np.array([[[0.5]], [[-0.2]]]),
    "step_residual": np.array([[[0.01]], [[0.02]]]),
}


def arrays(data, gross=1.0):
    ends = {"initial_output": np.array([[1.0]]), "final_output": np.array([[1.25]])}
    sums = {"data": np.array([[data]]), "decay": np.array([[-0.1]]), GROSS: np.array([[gross]])}
    return sums | ends | step_sums(STEPS)


def test_residual_and_rounding():
    completed, completeness = complete(arrays(0.3001), {"float32"}, "float32")
    np.testing.assert_allclose(completed["residual"], [[0.25 - 0.3001 + 0.1]])
    np.testing.assert_allclose(completed["rounding"], completed["residual"] - 0.03)
    assert completeness.error == pytest.approx(0.0001 / 0.7)
    assert completeness.in_roundings == pytest.approx(0.0001 / 0.7 * 2**24)


def test_what_regularisation_alone_moved_is_complete():
    """Data parts that are the rounding of a motion are no motion by data."""
    steps = {"step_data": np.array([[[-2e-9]]]), "step_residual": np.array([[[0.0]]])}
    ends = {"initial_output": np.array([[1.0]]), "final_output": np.array([[0.9]])}
    moved = arrays(0.0) | ends | step_sums(steps)
    assert complete(moved, {"float32"}, "float32")[1].error == pytest.approx(2e-8)


def test_the_coarser_type_sets_the_tolerance():
    complete(arrays(0.3001), {"float32", "float64"}, "float32")
    with pytest.raises(RecordingError, match="adds up to something else"):
        complete(arrays(0.3001), {"float64"}, "float64")
    with pytest.raises(RecordingError, match="adds up to something else"):
        complete(arrays(np.nan), {"float32"}, "float32")


@pytest.mark.parametrize(
    ("recorded", "precision", "gross", "silent", "loud"),
    [
        ("float32", "float32", 1.0, 2e-6, 1e-5),
        ("float32", "float64", 1.0, 2e-6, 1e-5),
        ("float64", "float64", 1.0, 5e-15, 1e-13),
        ("float64", "float64", 1e4, 1e-11, 1e-9),
        ("float32", "float32", 1e4, 2e-6, 1e-5),
        ("float32", "bf16", 1.0, 5e-3, None),
    ],
)
def test_more_than_rounding_is_warned_of(recorded, precision, gross, silent, loud, caplog):
    """Float64 sums of influences that cancel round to a share of what they are without signs."""

    def warn(error):
        warn_of_incompleteness(
            complete(arrays(0.3 + 0.7 * error, gross), {recorded}, precision)[1],
            step_rounding=0.0,
            computed=recorded,
        )

    warn(silent)
    assert not caplog.records
    if loud is not None:
        warn(loud)
        assert "Likely causes" in caplog.text


def test_rounded_parameters_hold_a_short_step_to_a_share_of_it():
    assert step_rounding(np.array([8.0, 2.0]), "float32") == 4 * 2.0**-24
    assert step_rounding(np.array([8.0, 2.0]), "float64") == 4 * 2.0**-53
    assert step_rounding(np.array([8.0, 1e-9]), "float32") == 1.0
    assert step_rounding(np.zeros(2), "float32") == 1.0


@pytest.mark.parametrize(
    ("share", "said", "not_said"),
    [(1e-4, "changes up to 1e-04 of a step", "Likely"), (1e-6, "Likely causes", "short")],
)
def test_short_steps_are_named_where_they_explain_it(share, said, not_said, caplog):
    warn_of_incompleteness(Completeness(4e-5, 700.0), share, "float64")
    assert said in caplog.text
    assert not_said not in caplog.text
    assert "single precision" not in caplog.text
    warn_of_incompleteness(Completeness(4e-5, 700.0), share, "float32")
    assert "explained in double precision" in caplog.text


def stepwise(store, dtype, rate):
    """Explain a training by SGD of a rate."""
    problem = PROBLEM.but(optimizer=lambda model: SGD(model.parameters(), lr=rate))
    x, y = problem.train_data()
    model, data = problem.model().to(dtype), (x.to(dtype), y)
    record(problem, store, model=model, data=data)
    return explain(problem, store, model, data=data, dtype=torch.float64).attrs


def test_short_steps_of_single_precision_are_no_fault_of_the_run(tmp_path, caplog):
    """The same training in double precision is complete, so that nothing of it was left out."""
    short = stepwise(tmp_path / "short.zarr", torch.float32, 1e-4)
    assert 1e-5 < short["completeness_error"] < short["step_rounding"]
    assert "the run need not be at fault" in caplog.text
    assert "Likely causes" not in caplog.text
    caplog.clear()
    double = stepwise(tmp_path / "double.zarr", torch.float64, 1e-4)
    assert double["completeness_error"] < 1e-9
    caplog.clear()
    long = stepwise(tmp_path / "long.zarr", torch.float32, 0.1)
    assert long["completeness_error"] < 1e-6
    assert long["step_rounding"] == pytest.approx(1e-3 * short["step_rounding"], rel=0.5)
    assert not caplog.records


def smoothing(share):
    """A loss that is smoothed by a share."""
    return {"loss_fn": partial(cross_entropy, reduction="none", label_smoothing=share)}


def ridge(strength):
    """A penalty of a strength."""
    return {
        "penalty": lambda parameters: strength * sum(p.square().sum() for p in parameters.values())
    }


CASES = {
    "clean, float32": ({}, torch.float32, None),
    "clean, float64": ({}, torch.float64, None),
    "label smoothing, float32": (smoothing(1e-5), torch.float32, "warned"),
    "label smoothing, float64": (smoothing(1e-5), torch.float64, "refused"),
    "a trace of it, float64": (smoothing(1e-9), torch.float64, "warned"),
    "penalty, float32": (ridge(1e-5), torch.float32, "warned"),
    "penalty, float64": (ridge(1e-5), torch.float64, "refused"),
    "a trace of it, too": (ridge(1e-9), torch.float64, "warned"),
}


@pytest.mark.parametrize(("trained_with", "dtype", "noticed"), CASES.values(), ids=CASES)
def test_a_small_part_of_the_loss_that_was_forgotten_is_noticed(
    trained_with, dtype, noticed, tmp_path, caplog
):
    x, y = PROBLEM.train_data()
    model, data = PROBLEM.model().to(dtype), (x.to(dtype), y)
    store = tmp_path / "run.zarr"
    record(PROBLEM.but(**trained_with), store, model=model, data=data, penalty=None)
    refused = (
        pytest.raises(RecordingError, match="adds up") if noticed == "refused" else nullcontext()
    )
    with refused:
        explain(PROBLEM, store, model, data=data, dtype=dtype)
    assert ("Likely causes" in caplog.text) == (noticed == "warned")


def balanced(store, dtype, *, from_zero):
    """Four steps of AdamW on batches of which every class has its share."""
    layer = torch.nn.Linear(4, 3)
    if from_zero:
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    x = torch.randn(15, 4, dtype=dtype)
    data = x[:12], torch.arange(12) % 3
    problem = PROBLEM.but(optimizer=lambda model: AdamW(model.parameters(), lr=1e-3))
    batches = [range(6), range(6, 12)] * 2
    model = record(problem, store, model=layer.to(dtype), data=data, batches=batches)
    kernel = explaind.PathKernel(store, model, problem.loss_fn, data)
    return kernel.explain(x[12:], torch.arange(3))


def test_a_layer_that_begins_at_zero_has_gradients_of_rounding(tmp_path):
    """Those of its bias cancel at the first step, and AdamW divides by what is left of them."""
    with pytest.raises(RecordingError, match="a last layer that begins at zero"):
        balanced(tmp_path / "single.zarr", torch.float32, from_zero=True)
    double = balanced(tmp_path / "double.zarr", torch.float64, from_zero=True)
    change = float(abs(double.final_output - double.initial_output).max())
    assert float(abs(double.influence).max()) > 1e4 * change
    other = balanced(tmp_path / "other.zarr", torch.float32, from_zero=False)
    change = float(abs(other.final_output - other.initial_output).max())
    assert float(abs(other.influence).max()) < 10 * change
    assert other.attrs["completeness_error"] < 1e-5
