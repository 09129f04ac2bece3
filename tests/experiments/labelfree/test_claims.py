"""Claims about label-free explanations, judged by planted results that hold and that do not."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explaind.experiments.labelfree.claims import CLAIMS, verdicts
from explaind.experiments.labelfree.page import draw
from explaind.experiments.labelfree.tables import LabelfreeTables
from explaind.report.claims import LEFT_OUT, NOT, PARTLY, REPRODUCED, UNDECIDED
from tests.experiments.disentanglement import planted
from tests.experiments.disentanglement.test_tables import FALLING, STEADY
from tests.experiments.roar.test_tables import losses
from tests.experiments.small_encoders import Results, html_of

SCATTERED = (0.1, 0.3, 0.5, 0.15, 0.25, 0.4)  # a fall that is neither found nor excluded


def correlation(cases, published, corrected, over="pooled"):
    """Correlations of three tasks; the first case as published, pooled; the second corrected.

    A pair of numbers is one for each training.
    """
    values = np.full((2, 2, 2, 2, 3, 3), np.nan)
    corrected_way = ("pooled", "per sample").index(over)
    values[:, 0, 0, 0] = np.reshape(np.broadcast_to(published, 2), (2, 1, 1))
    values[:, 1, corrected_way, 0] = np.reshape(np.broadcast_to(corrected, 2), (2, 1, 1))
    values[..., range(3), range(3)] = 1  # each task with itself, which must not count
    return xr.Dataset(
        {"correlation": (("replicate", "case", "over", "rank", "task", "other"), values)},
        coords={
            "case": list(cases),
            "over": ["pooled", "per sample"],
            "rank": ["pearson", "spearman"],
            "task": list("abc"),
            "other": list("abc"),
        },
    )


def features(published, corrected):
    cases = ("gradient_shap", "integrated_gradients")
    return correlation(cases, published, corrected, "per sample")


def examples(published, corrected):
    return correlation(("inverse_square_distance", "log_distance"), published, corrected)


def agreement(softmax, predicted):
    outputs = {"logits": 0.99, "softmax": softmax, "predicted class": predicted}
    return pd.DataFrame(
        {
            "method": "integrated_gradients",
            "output": output,
            "replicate": replicate,
            "correlation": value + 0.001 * replicate,
        }
        for output, value in outputs.items()
        for replicate in range(2)
    )


def roar(saliency, shap=(1.5, 1.51)):
    return losses(saliency=saliency, gradient_shap=shap, random=(1.0, 1.01))


def shifts(saliency, shap=0.9, brightest=0.2):
    """Two trainings; by method, the shift at a tenth of the pixels as a share of that of all."""
    moved = {"saliency": saliency, "gradient_shap": shap, "brightest": brightest, "random": 0.1}
    return pd.DataFrame(
        {
            "encoder": "mine",
            "replicate": replicate,
            "method": method,
            "fraction": fraction,
            "shift": shift,
            "normalised": shift,
        }
        for method, value in moved.items()
        for replicate in range(2)
        for fraction, shift in ((0.1, value + 0.001 * replicate), (1.0, 1.0))
    )


def rates(loss_based, dknn=0.9, least=0.1, replicates=2):
    """Trainings whose most important tenth has the label so often; chance is a half."""
    return pd.DataFrame(
        {
            "encoder": "mine",
            "replicate": replicate,
            "method": method,
            "end": end,
            "fraction": fraction,
            "rate": rate,
            "limit": 1.0,
        }
        for method, most in (("dknn", dknn), ("gradient_product", loss_based))
        for replicate in range(replicates)
        for end, fraction, rate in (
            ("most", 0.1, most + 0.001 * replicate),
            ("least", 0.1, least + 0.001 * replicate),
            ("most", 1.0, 0.5),
            ("least", 1.0, 0.5),
        )
    )


HOLDS = {
    "feature_consistency": shifts(0.6),
    "example_consistency": rates(0.7),
    "pretext_features": features(0.4, 0.5),
    "pretext_examples": examples(0.1, 0.2),
    "disentanglement": planted.store(STEADY, STEADY),
    "encoder_and_model": agreement(0.5, 0.6),
    "roar": roar((1.2, 1.21)),
}


def judged(**changes):
    table = verdicts(Results(**{**HOLDS, **changes}))
    return dict(zip(table["shown_by"], table["verdict"], strict=True))


def test_all_hold():
    assert judged() == dict.fromkeys((kind for kind, _ in CLAIMS), REPRODUCED)


@pytest.mark.parametrize(
    ("kind", "result", "verdict"),
    [
        ("feature_consistency", shifts(0.15), PARTLY),  # below brightest first
        ("feature_consistency", shifts(0.05), NOT),
        ("feature_consistency", shifts(0.6).query("method != 'brightest'"), UNDECIDED),
        ("example_consistency", rates(0.3), PARTLY),  # by the loss below chance
        ("example_consistency", rates(0.7, least=0.6), NOT),
        ("example_consistency", rates(0.3).query("method == 'dknn'"), REPRODUCED),
        ("example_consistency", rates(0.7, replicates=1), UNDECIDED),
        ("example_consistency", rates(0.5), PARTLY),  # by the loss perhaps above chance
        ("example_consistency", rates(0.5, dknn=0.5), UNDECIDED),
        ("pretext_features", features(0.4, 0.9), PARTLY),
        ("pretext_features", features(0.1, 0.9), NOT),
        ("pretext_features", features((0.1, 0.5), (0.2, 0.6)), UNDECIDED),
        ("pretext_features", features(0.4, 0.5).sel(case=["integrated_gradients"]), UNDECIDED),
        ("pretext_examples", examples(0.1, 0.7), PARTLY),
        ("pretext_examples", examples(0.5, 0.7), NOT),
        ("pretext_examples", examples((0.1, 0.2), (0.0, 0.3)), UNDECIDED),
        ("disentanglement", planted.store(FALLING, STEADY), PARTLY),
        ("disentanglement", planted.store(FALLING, FALLING), NOT),
        ("disentanglement", planted.store([np.nan] * 6, [np.nan] * 6), UNDECIDED),
        ("disentanglement", planted.store(SCATTERED, SCATTERED), UNDECIDED),
        ("disentanglement", planted.store(STEADY, SCATTERED), PARTLY),
        ("disentanglement", planted.store(FALLING, SCATTERED), UNDECIDED),
        ("encoder_and_model", agreement(0.5, 0.95), PARTLY),
        ("encoder_and_model", agreement(0.95, 0.95), NOT),
        ("encoder_and_model", agreement(0.5, 0.95).query("replicate == 0"), UNDECIDED),
        ("roar", roar((0.9, 0.91)), PARTLY),
        ("roar", roar((0.9, 0.91), (0.8, 0.81)), NOT),
        ("roar", roar((0.9, 1.3), (0.8, 1.4)), UNDECIDED),  # perhaps above, perhaps below
        ("roar", roar((1.2, 1.21), (0.8, 1.4)), PARTLY),
    ],
)
def test_one_that_does_not_hold_is_not_reproduced(kind, result, verdict):
    expected = {**dict.fromkeys((kind for kind, _ in CLAIMS), REPRODUCED), kind: verdict}
    assert judged(**{kind: result}) == expected


@pytest.mark.parametrize(
    ("beta_1", "beta_10"),
    [((0.241, 0.031), (0.240, 0.051)), ((0.228, 0.026), (0.227, 0.050))],
    ids=["beta-VAE", "TC-VAE"],
)
def test_five_trainings_decide_what_was_published(beta_1, beta_10):
    """Mean and standard deviation over the published trainings of MNIST."""
    scores = np.array([-1.26, -0.63, 0.0, 0.63, 1.26])
    scores /= scores.std(ddof=1)
    maps = np.concatenate([mean + deviation * scores for mean, deviation in (beta_1, beta_10)])
    found = judged(disentanglement=planted.store(maps, maps))
    assert found["disentanglement"] == REPRODUCED


def test_numbers_stand_by_method_and_encoder():
    numbers = verdicts(Results(**HOLDS)).set_index("shown_by")
    shown = numbers.loc["feature_consistency"]
    assert "saliency +0.36 (" in shown["published"]
    assert "saliency +0.29 (" in shown["corrected"]
    assert (
        "DKNN (nearest) 0.9 and 0.1; chance 0.5" in numbers.loc["example_consistency"]["published"]
    )
    assert numbers.loc["example_consistency"]["corrected"] == "gradient product 0.7 and 0.1"
    second = shifts(0.6).assign(encoder="other")
    both = Results(**{**HOLDS, "feature_consistency": pd.concat([shifts(0.6), second])})
    text = verdicts(both).set_index("shown_by").loc["feature_consistency", "published"]
    assert text.count("mine: saliency") == text.count("other: saliency") == 1


def test_what_is_left_out_has_no_numbers():
    table = verdicts(Results(roar=HOLDS["roar"])).set_index("shown_by")
    left = table.drop("roar")
    assert set(left["verdict"]) == {LEFT_OUT}
    assert set(left["published"]) == set(left["corrected"]) == {"not measured"}


def test_page_has_every_claim_and_links_what_shows_more():
    results = Results(**HOLDS)
    tables = LabelfreeTables(verdicts(results), dict(results.results.values()))
    html = html_of(draw, tables, "labelfree")
    assert html.count("badge faithful") == len(CLAIMS)
    assert "Published or measured again" in html
    assert "https://openreview.net/forum?id=n2qXFXiMsAM" in html
    assert all(f'href="{kind}.html"' in html for kind, _ in CLAIMS)
    assert f"{len(CLAIMS)} of {len(CLAIMS)}" in html
