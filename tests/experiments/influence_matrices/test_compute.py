"""Single steps: which ones, and what their matrices add up to."""

import numpy as np
import pandas as pd
import pytest

from explaind.config.load import load_config
from explaind.errors import ConfigError
from explaind.experiments.influence_matrices.compute import chosen_steps
from explaind.experiments.job import compute_experiment
from explaind.paths import Paths
from explaind.store import open_sealed

KEY = "experiments.influence_matrices.steps"


def metrics(steps, memorised=None, generalised=None):
    """Accuracies that jump to 1 at a step."""
    step = np.arange(steps + 1)
    reached = {
        split: np.zeros(steps + 1) if at is None else (step >= at).astype(float)
        for split, at in (("train", memorised), ("validation", generalised))
    }
    table = pd.DataFrame({"step": step, **{f"{k}_accuracy": v for k, v in reached.items()}})
    table.attrs["mini_batches"] = False
    return table


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (metrics(1000, 200, 600), [200, 400, 600]),
        (metrics(1000, 200), [200, 599, 999]),  # never generalised
        (metrics(1000, 200, 1000), [200, 599, 999]),  # after the last step
        (metrics(30), [9, 19, 29]),  # no phases
        (metrics(1), [0]),
    ],
)
def test_steps_come_from_the_run(run, expected):
    assert chosen_steps(None, run, KEY) == expected


def test_a_step_beyond_the_run_is_refused():
    assert chosen_steps((0, 29), metrics(30), KEY) == [0, 29]
    with pytest.raises(ConfigError, match=rf"{KEY}: expected steps up to 29, .* got \[30, 31\]"):
        chosen_steps((3, 30, 31), metrics(30), KEY)


@pytest.mark.parametrize(
    ("credit", "sums"),
    [
        ("gradient_step", "step_net_by_component"),
        ("application_step", "step_data_by_component"),
    ],
)
def test_matrices_add_up_to_the_data_part_of_the_step(project, credit, sums):
    paths = Paths(project.root)
    asked = {"experiments": {"influence_matrices": {"steps": [2, 29], "credit": credit}}}
    compute_experiment(load_config(paths.config(), asked), paths, "influence_matrices")
    store = open_sealed(paths.experiment("grokking", "influence_matrices", "zarr"))
    whole = open_sealed(paths.influence("grokking"))
    assert store["number"].to_numpy().tolist() == [2, 29]
    assert store.attrs["credit"] == credit
    assert store["influence"].attrs["units"] == "nat"
    expected = whole[sums].isel(step=[2, 29]).to_numpy()
    scale = np.abs(store["influence"]).sum("train").to_numpy()
    found = store["influence"].sum("train").to_numpy()
    assert np.abs(found - expected).max() <= 1e-5 * scale.max()
