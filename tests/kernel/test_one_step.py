"""The influence of one step: what the whole run is the sum of, by either credit."""

import numpy as np
import pytest
from torch.optim import SGD, AdamW

import explaind
from explaind.errors import ConfigError
from tests.kernel.engine import SMOOTH, explain, record
from tests.kernel.test_windows import BEFORE, KNOWN, window
from tests.oracles.problems import Problem

STEPS = 8
TRIED = (0, 4, 7)
PROBLEMS = (
    Problem(
        "adamw",
        lambda model: AdamW(model.parameters(), lr=0.05, betas=(0.4, 0.9), weight_decay=0.5),
        steps=STEPS,
    ),
    Problem(
        "nesterov",
        lambda model: SGD(model.parameters(), lr=0.05, momentum=0.5, nesterov=True),
        steps=STEPS,
    ),
)


@pytest.fixture(scope="module", params=PROBLEMS, ids=lambda problem: problem.name)
def run(request, tmp_path_factory):
    store = tmp_path_factory.mktemp("history") / "run.zarr"
    problem = request.param
    kernel = explaind.PathKernel(
        store, record(problem, store), problem.loss_fn, problem.train_data(), quadrature=SMOOTH
    )
    return kernel, problem.test_data()


@pytest.mark.parametrize("credit", ["gradient_step", "application_step"])
def test_steps_are_the_intervals_of_one_step_each(run, credit):
    kernel, data = run
    whole = kernel.explain(*data, intervals=STEPS, credit=credit, keep=["interval"])
    for step in TRIED:
        found = kernel.explain_step(*data, step, credit=credit)
        expected = whole["influence_by_interval"].isel(interval=step)
        assert found.dims == ("component", "test", "output", "train")
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-13)


def test_samples_add_up_to_the_data_part_of_the_step(run):
    kernel, data = run
    whole = kernel.explain(*data, keep=["step_component", "absolute"])
    for credit, sums in (
        ("application_step", "step_data_by_component"),
        ("gradient_step", "step_net_by_component"),
    ):
        for step in TRIED:
            found = kernel.explain_step(*data, step, credit=credit).sum("train")
            np.testing.assert_allclose(found, whole[sums][step], rtol=1e-7, atol=1e-12)


def test_a_single_step_is_a_recording_of_that_step_alone(tmp_path):
    problem = Problem("window", KNOWN["adamw"], steps=STEPS)
    whole, alone = tmp_path / "whole.zarr", tmp_path / "alone"
    alone.mkdir()
    model = window(problem, alone, stop=BEFORE + 1)
    expected = explain(problem, alone / "window.zarr", model, keep=("component", "step_component"))
    trained = record(problem, whole)
    kernel = explaind.PathKernel(
        whole, trained, problem.loss_fn, problem.train_data(), quadrature=SMOOTH
    )
    x, y = problem.test_data()
    found = kernel.explain_step(x, y, BEFORE, problem.functional, credit="single_step")
    tensors = expected["influence_by_component"]
    modules = [name.rpartition(".")[0] for name in tensors["component"].values.tolist()]
    summed = tensors.assign_coords(component=modules).groupby("component").sum()
    by_component = summed.sel(component=found["component"]).transpose(*found.dims)
    np.testing.assert_allclose(found, by_component, rtol=1e-7, atol=1e-12)
    step = kernel.explain(x, y, problem.functional, keep=())["step_data"].isel(step=BEFORE)
    np.testing.assert_allclose(
        step - found.sum(("component", "train")), expected.carry, rtol=1e-7, atol=1e-12
    )


def test_unknown_steps_and_credits_are_refused(run):
    kernel, data = run
    with pytest.raises(ConfigError, match="step: expected 0 to 7, a step of the run, got 8"):
        kernel.explain_step(*data, STEPS)
    with pytest.raises(ConfigError, match=r"credit: expected one of .*, got 'both'"):
        kernel.explain_step(*data, 0, credit="both")
