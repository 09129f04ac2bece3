"""Areas under ROC curves against a count of pairs, and comparisons by hand."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from explaind.experiments.label_noise.resampling import ResampledRoc
from explaind.experiments.label_noise.tables import (
    SCORES,
    auc_comparison,
    auc_means,
    detection_aucs,
    mean_roc_curves,
    noise_power,
    resampled_curves,
)
from explaind.report.tables.power import area_power


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
    found = auc_means(detection_aucs(sure), resampled_curves(sure)).set_index("score")
    assert found.loc[["influence on held-out data", "self-influence"], "auc"].tolist() == [1, 1]


def resampled(**areas):
    """Resampled areas of some scores; of the others they are about chance."""
    spread = np.linspace(-0.1, 0.1, 201)
    chosen = {
        score: areas.get(score.replace(" ", "_").replace("-", "_"), 0.5 + spread)
        for score in SCORES
    }
    return {score: ResampledRoc(values, np.zeros((201, 1))) for score, values in chosen.items()}


def aucs_of(**areas):
    rows = [
        {"score": score, "seed": seed, "auc": auc}
        for score in SCORES
        for seed, auc in enumerate(
            areas.get(score.replace(" ", "_").replace("-", "_"), [0.4, 0.5, 0.6])
        )
    ]
    return pd.DataFrame(rows)


def test_a_mean_differs_from_chance_by_its_interval():
    high, low = 0.8 + np.linspace(-0.2, 0.2, 201), 0.1 + np.linspace(-0.1, 0.1, 201)
    aucs = aucs_of(loss=[0.7, 0.8, 0.9], random=[0.1, 0.12, 0.1])
    means = auc_means(aucs, resampled(loss=high, random=low)).set_index("score")
    loss = means.loc["loss", ["auc", "low", "high"]]
    assert loss.tolist() == pytest.approx([0.8, 0.61, 0.99])
    assert means["verdict"].to_dict() == {
        "self-influence": "no significant difference",
        "influence on held-out data": "no significant difference",
        "loss": "better",
        "gradient norm": "no significant difference",
        "random": "worse",
    }


def test_curve_passes_through_the_points_counted_by_hand():
    rows = {column: [4.0, 3.0, 2.0, 1.0] * 2 for column, _ in SCORES.values()}
    flipped = [True, False, True, False, True, True, False, False]
    table = pd.DataFrame({"seed": [1] * 4 + [2] * 4, "flipped": flipped, **rows})
    curves = mean_roc_curves(table, resampled_curves(table))
    curve = curves[curves["score"] == "loss"].set_index("false_positive_rate")
    assert curve.loc[1.0, "true_positive_rate"] == 1
    assert curve.loc[0.25, "true_positive_rate"] == pytest.approx((0.5 + 1) / 2)
    assert (curve["low"] <= curve["true_positive_rate"]).all()
    assert (curve["high"] >= curve["true_positive_rate"]).all()
    assert curve["low"].min() >= 0
    assert curve["high"].max() <= 1


def test_differences_are_paired_by_resample():
    """The areas vary by 0.1, the difference to the loss by 0.01."""
    own = 0.8 + np.linspace(-0.1, 0.1, 201)
    noise = np.resize([-0.01, 0.01], 201)
    paired = resampled(self_influence=own, loss=own - 0.05 + noise, gradient_norm=own[::-1] - 0.05)
    aucs = aucs_of(self_influence=[0.8] * 3, loss=[0.75] * 3, gradient_norm=[0.75] * 3)
    found = auc_comparison(aucs, paired)
    found = found.set_index(["score", "baseline"]).loc["self-influence"]
    assert found["difference"].tolist() == pytest.approx([0.05, 0.05])
    assert found.loc["loss", ["low", "high"]].tolist() == pytest.approx([0.04, 0.06])
    assert found["verdict"].tolist() == ["better", "no significant difference"]


def test_power_counts_flipped_and_correct_samples_of_each_set(table):
    assert noise_power(table) == area_power(0.75, 5.0, 15.0, 3)
