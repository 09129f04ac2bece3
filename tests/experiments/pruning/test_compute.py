"""The experiment: its splits, its rows, and the table that the rule writes."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from explaind.experiments.pruning.compute import pruned_rows, validation_splits
from explaind.experiments.pruning.metrics import output_metrics
from explaind.experiments.pruning.pruned_model import pruned_model
from explaind.experiments.pruning.settings import PruningSettings
from explaind.paths import Paths

SETTINGS = PruningSettings(run="a", coarse=(0.5, 0.25), fine=(0.1,), seeds=(4, 2))


def test_splits_divide_the_samples_and_differ_by_seed():
    splits = validation_splits(2000, SETTINGS)
    assert [(len(scored), len(tested)) for scored, tested in splits] == [(1500, 500)] * 2
    for scored, tested in splits:
        assert sorted([*scored, *tested]) == list(range(2000))
    assert set(splits[0][1]) != set(splits[1][1])
    again = validation_splits(2000, SETTINGS)
    np.testing.assert_array_equal(splits[0][1], again[0][1])


def test_rows_are_those_of_the_pruned_networks():
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    x, y = torch.randn(20, 4), torch.randint(3, (20,))
    scores = {"magnitude": {"0.weight": model[0].weight.detach().abs()}}
    rows = pd.DataFrame(pruned_rows(model, scores, (x, y), SETTINGS))
    assert list(rows["method"]) == ["none"] + ["magnitude"] * 6
    assert rows.loc[0, ["agreement", "kl", "kept"]].tolist() == [1, 0, 1]
    case = rows[(rows["scope"] == "layer") & (rows["keep"] == 0.25)].iloc[0]
    with torch.no_grad():
        output = pruned_model(model, scores["magnitude"], 0.25, "layer")(x)
        expected = output_metrics(output, model(x), y)
    assert {name: case[name] for name in expected} == pytest.approx(expected)
    assert case["zeros_0.weight"] == 0.75
    assert case["kept"] == pytest.approx(1 - 18 / 51)


def test_table_of_the_rule(tiny_run):
    table = pd.read_parquet(Paths(tiny_run).experiment("grokking", "pruning"))
    methods = {"influence", "influence per step", "magnitude", "Taylor", "random"}
    assert set(table["method"]) == {"none", *methods}
    assert len(table) == 2 * (1 + 5 * 2 * 3)
    assert (table["tested"] == 4).all()  # a quarter of 13, rounded up
    assert (table["zeros_decoder.weight"] == 0).all()  # excluded
    pruned = table[table["method"] != "none"]
    for name in ("embedding.weight", "linear1.bias"):
        layer = pruned[pruned["scope"] == "layer"]
        np.testing.assert_allclose(1 - layer[f"zeros_{name}"], layer["keep"], atol=0.02)
