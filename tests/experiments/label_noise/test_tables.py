"""Areas under ROC curves against a count of pairs, and comparisons by hand."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from explaind.experiments.label_noise.tables import (
    SCORES,
    auc_comparison,
    auc_means,
    detection_aucs,
    mean_roc_curves,
)


@pytest.fixture
def table():
    random = np.random.default_rng(0)
    columns = {column: random.integers(0, 5, 60) for column, _ in SCORES.values()}
    return pd.DataFrame(
        {"seed": np.repeat([4, 9, 2], 20), "flipped": np.tile([1, 0, 0, 0], 15) == 1, **columns}
    )


def counted(suspicion, flipped):
    """Share of the pairs that are in the right order, ties half."""
    pairs = list(product(suspicion[flipped], suspicion[~flipped]))
    return np.mean([0.5 if a == b else a > b for a, b in pairs])


def test_areas_are_the_share_of_pairs_in_the_right_order(table):
    found = detection_aucs(table).set_index(["score", "seed"])["auc"]
    for score, (seed, rows) in product(SCORES, table.groupby("seed")):
        column, sign = SCORES[score]
        expected = counted(sign * rows[column].to_numpy(), rows["flipped"].to_numpy())
        assert found[score, seed] == pytest.approx(expected)


def test_small_influence_on_held_out_data_and_large_self_influence_are_suspicious(table):
    sure = table.assign(held_out_influence=-1.0 * table["flipped"], self_influence=table["flipped"])
    found = auc_means(detection_aucs(sure)).set_index("score")
    assert found.loc[["influence on held-out data", "self-influence"], "auc"].tolist() == [1, 1]


def test_a_mean_differs_from_chance_by_its_interval():
    areas = {
        "self-influence": [0.9, 0.8, 0.85],
        "loss": [0.8, 0.3, 0.9],
        "random": [0.1, 0.12, 0.1],
    }
    rows = [
        {"score": score, "seed": seed, "auc": auc}
        for score in SCORES
        for seed, auc in enumerate(areas.get(score, [0.5, 0.5, 0.5]))
    ]
    means = auc_means(pd.DataFrame(rows)).set_index("score")
    assert means.loc["loss", ["auc", "margin"]].tolist() == pytest.approx(
        [2 / 3, 4.30265 * (0.31 / 9) ** 0.5], rel=1e-4
    )
    assert means["verdict"].to_dict() == {
        "self-influence": "better",
        "influence on held-out data": "no significant difference",
        "loss": "no significant difference",
        "gradient norm": "no significant difference",
        "random": "worse",
    }


def test_curve_passes_through_the_points_counted_by_hand():
    rows = {column: [4.0, 3.0, 2.0, 1.0] * 2 for column, _ in SCORES.values()}
    flipped = [True, False, True, False, True, True, False, False]
    curves = mean_roc_curves(pd.DataFrame({"seed": [1] * 4 + [2] * 4, "flipped": flipped, **rows}))
    curve = curves[curves["score"] == "loss"].set_index("false_positive_rate")
    assert curve.loc[1.0, "true_positive_rate"] == 1
    assert curve.loc[0.25, "true_positive_rate"] == pytest.approx((0.5 + 1) / 2)
    assert curve.loc[0.25, "margin"] == pytest.approx(12.7062 * 0.25, rel=1e-4)  # t, one degree


def test_differences_are_paired_by_seed():
    areas = {
        "self-influence": [0.9, 0.8, 0.7],
        "loss": [0.8, 0.71, 0.59],
        "influence on held-out data": [0.5, 0.41, 0.3],
    }
    rows = [
        {"score": score, "seed": seed, "auc": auc}
        for score in SCORES
        for seed, auc in enumerate(areas.get(score, [0.5, 0.6, 0.4]))
    ]
    found = auc_comparison(pd.DataFrame(rows)).set_index(["score", "baseline"])
    own = found.loc["self-influence"]
    assert own.loc["loss", "difference"] == pytest.approx(0.1)
    assert own.loc["loss", "margin"] == pytest.approx(4.30265 * 0.01 / 3**0.5, rel=1e-4)
    assert own["verdict"].to_dict() == {
        "loss": "better",
        "gradient norm": "better",
    }
    held_out = found.loc["influence on held-out data", "verdict"]
    assert held_out["loss"] == "worse"
    assert held_out["gradient norm"] == "no significant difference"
