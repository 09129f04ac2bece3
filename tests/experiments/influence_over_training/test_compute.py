"""The balance of data and regularisation, by hand on a model of two parameters."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.optim import SGD

import explaind
from explaind.config.load import load_config
from explaind.errors import ConfigError
from explaind.experiments.influence_over_training.compute import part_sizes
from explaind.experiments.job import compute_experiment
from explaind.paths import Paths
from tests.kernel.engine import loader

RATE, DECAY = 0.5, 0.2


def half_squared_error(output, target):
    return (output[:, 0] - target).square() / 2


def output_itself(output, target):
    return output[:, 0]


def two_parameter_run(store):
    """`h(x) = w_1 x_1 + w_2 x_2`, one sample `x = (1, 2)` with target 0, two steps of SGD."""
    model = nn.Linear(2, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, 1.0]]))
    x, y = torch.tensor([[1.0, 2.0]], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    optimizer = SGD(model.parameters(), lr=RATE, weight_decay=DECAY)
    with explaind.record(model, optimizer, half_squared_error, store, max_batch_size=1) as recorder:
        for batch in recorder.batches(loader((x, y), [[0], [0]])):
            optimizer.zero_grad()
            half_squared_error(model(batch.x), batch.y).mean().backward()
            optimizer.step()
    return model, (x, y)


def test_sizes_are_those_worked_out_by_hand():
    """Two samples; parameters 0 and 2 are one component, parameter 1 the other."""
    data = [[3.0, -1.0, -5.0], [1.0, 1.0, 1.0]]
    decay = [[-1.0, 4.0, 0.0], [2.0, 0.0, -2.0]]
    found = part_sizes(torch.tensor([data, decay]), {"ends": [(0, 1), (2, 3)], "middle": [(1, 2)]})
    assert found["ends"] == {
        "data": (abs(3 - 5) + abs(1 + 1)) / 2,
        "data_absolute": (3 + 5 + 1 + 1) / 2,
        "decay": (1 + 0) / 2,
        "decay_absolute": (1 + 0 + 2 + 2) / 2,
    }
    assert found["middle"] == {"data": 1, "data_absolute": 1, "decay": 2, "decay_absolute": 2}


def test_balance_of_two_parameters_is_its_definition(tmp_path):
    """The output is linear: what a parameter did is x times its motion, by hand step by step."""
    model, (x, y) = two_parameter_run(tmp_path / "run.zarr")
    kernel = explaind.PathKernel(tmp_path / "run.zarr", model, half_squared_error, (x, y))
    weights, inputs = np.array([1.0, 1.0]), np.array([1.0, 2.0])
    expected = []
    for _ in range(2):
        gradient = (weights @ inputs) * inputs
        data, decay = -RATE * gradient, -RATE * DECAY * weights
        expected.append((inputs * data, inputs * decay))
        weights = weights + data + decay
    explained = torch.tensor([[3.0, -1.0]], dtype=torch.float64)  # its inputs scale the motion
    scale = explained.numpy()[0] / inputs
    found = {
        interval: part_sizes(parts[:, :, 0], {"all": [(0, 2)]})["all"]
        for interval, parts in kernel.parameter_influence_by_interval(
            explained, torch.zeros(1), output_itself, intervals=2, parts=("data", "decay")
        )
    }
    for step, parts in enumerate(expected):
        data, decay = (part * scale for part in parts)
        assert found[step]["data"] == pytest.approx(abs(data.sum()))
        assert found[step]["decay"] == pytest.approx(abs(decay.sum()))
        difference = found[step]["data_absolute"] - found[step]["decay_absolute"]
        assert difference == pytest.approx(np.abs(data).sum() - np.abs(decay).sum())


def test_table_of_the_rule(tiny_run):
    table = pd.read_parquet(Paths(tiny_run).experiment("grokking", "influence_over_training"))
    assert table["functional"].unique().tolist() == ["output_sum", "target_logprob"]
    assert table.notna().all(axis=None)
    cases = table.groupby(["functional", "component"])
    for _, found in cases:
        assert found["start"].iloc[0] == 0
        assert found["stop"].iloc[-1] == 30
        np.testing.assert_array_equal(found["start"].iloc[1:], found["stop"].iloc[:-1])
    whole = table[table["component"] == "all components"].set_index(["functional", "start"])
    parts = table[table["component"] != "all components"].groupby(["functional", "start"])
    for size in ("data_absolute", "decay_absolute"):  # add up over the components
        sums = parts[size].sum().loc[whole.index]
        np.testing.assert_allclose(sums, whole[size], rtol=1e-5)


def test_more_samples_than_there_are_are_refused(tiny_run):
    paths = Paths(tiny_run)
    changed = {"experiments": {"influence_over_training": {"samples": 1000}}}
    config = load_config(paths.config(), changed)
    with pytest.raises(ConfigError, match=r"influence_over_training.samples: expected at most 13"):
        compute_experiment(config, paths, "influence_over_training")
