"""Claims about label-free explanations, judged by planted results that hold and that do not."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explaind.experiments.example_consistency.tables import COMPLETENESS
from explaind.experiments.labelfree.outcomes import ABSENT, FAILS, HOLDS, OPEN
from explaind.experiments.labelfree.page import draw, said
from explaind.experiments.labelfree.settings import LabelfreeSettings
from explaind.experiments.labelfree.statements import STATEMENTS
from explaind.experiments.labelfree.tables import read
from explaind.report.text import number
from tests.experiments.disentanglement import planted
from tests.experiments.disentanglement.test_tables import FALLING, STEADY
from tests.experiments.roar.test_tables import losses
from tests.experiments.small_encoders import Results, html_of

SETTINGS = LabelfreeSettings(encoders=("mine",))
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


RESULTS = {
    "feature_consistency": shifts(0.6),
    "example_consistency": rates(0.7),
    "pretext_features": features(0.4, 0.5),
    "pretext_examples": examples(0.1, 0.2),
    "disentanglement": planted.store(STEADY, STEADY),
    "encoder_and_model": agreement(0.5, 0.6),
    "roar": roar((1.2, 1.21)),
}


BOTH = (HOLDS, HOLDS)
ALL_HOLD = {**dict.fromkeys(STATEMENTS, BOTH), "roar": (ABSENT, HOLDS)}
"""Outcomes as published and corrected; the published masks of ROAR show nothing."""


def tables_of(**found):
    return read(Results(**found), SETTINGS)


def judged(**changes):
    table = tables_of(**{**RESULTS, **changes}).outcomes
    return {row["kind"]: (row["published"], row["corrected"]) for _, row in table.iterrows()}


def test_all_hold():
    assert judged() == ALL_HOLD


@pytest.mark.parametrize(
    ("kind", "result", "outcomes"),
    [
        ("feature_consistency", shifts(0.15), (HOLDS, FAILS)),  # below brightest first
        ("feature_consistency", shifts(0.05), (FAILS, FAILS)),
        ("feature_consistency", shifts(0.6).query("method != 'brightest'"), (HOLDS, OPEN)),
        ("example_consistency", rates(0.3), (HOLDS, FAILS)),  # by the loss below chance
        ("example_consistency", rates(0.7, least=0.6), (FAILS, FAILS)),
        ("example_consistency", rates(0.3).query("method == 'dknn'"), (HOLDS, ABSENT)),
        ("example_consistency", rates(0.7, replicates=1), (OPEN, OPEN)),
        ("example_consistency", rates(0.5), (HOLDS, OPEN)),  # by the loss perhaps above chance
        ("example_consistency", rates(0.5, dknn=0.5), (OPEN, OPEN)),
        ("pretext_features", features(0.4, 0.9), (HOLDS, FAILS)),
        ("pretext_features", features(0.1, 0.9), (FAILS, FAILS)),
        ("pretext_features", features((0.1, 0.5), (0.2, 0.6)), (OPEN, OPEN)),
        (
            "pretext_features",
            features(0.4, 0.5).sel(case=["integrated_gradients"]),
            (OPEN, HOLDS),
        ),
        ("pretext_examples", examples(0.1, 0.7), (HOLDS, FAILS)),
        ("pretext_examples", examples(0.5, 0.7), (FAILS, FAILS)),
        ("pretext_examples", examples((0.1, 0.2), (0.0, 0.3)), (OPEN, OPEN)),
        ("disentanglement", planted.store(FALLING, STEADY), (FAILS, HOLDS)),
        ("disentanglement", planted.store(FALLING, FALLING), (FAILS, FAILS)),
        ("disentanglement", planted.store([np.nan] * 6, [np.nan] * 6), (OPEN, OPEN)),
        ("disentanglement", planted.store(SCATTERED, SCATTERED), (OPEN, OPEN)),
        ("disentanglement", planted.store(STEADY, SCATTERED), (HOLDS, OPEN)),
        ("disentanglement", planted.store(FALLING, SCATTERED), (FAILS, OPEN)),
        ("encoder_and_model", agreement(0.5, 0.95), (HOLDS, FAILS)),
        ("encoder_and_model", agreement(0.95, 0.95), (FAILS, FAILS)),
        ("encoder_and_model", agreement(0.5, 0.95).query("replicate == 0"), (OPEN, OPEN)),
        ("roar", roar((0.9, 0.91)), (ABSENT, FAILS)),  # one of both methods
        ("roar", roar((0.9, 0.91), (0.8, 0.81)), (ABSENT, FAILS)),
        ("roar", roar((0.9, 1.3), (0.8, 1.4)), (ABSENT, OPEN)),  # perhaps above, perhaps below
        ("roar", roar((1.2, 1.21), (0.8, 1.4)), (ABSENT, OPEN)),
    ],
)
def test_one_that_does_not_hold_is_told_apart(kind, result, outcomes):
    assert judged(**{kind: result}) == {**ALL_HOLD, kind: outcomes}


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
    assert found["disentanglement"] == BOTH


def test_what_is_left_out_is_not_measured():
    tables = tables_of(roar=RESULTS["roar"])
    table = tables.verdicts.set_index("number").drop("ROAR")
    assert set(table["published"]) == set(table["corrected"]) == {ABSENT}
    assert (table["measured_published"] == 0).all()
    assert tables.outcomes["kind"].tolist() == ["roar"]


class Datasets(Results):
    """Results of several datasets, as a page is given that names several experiments."""

    def __init__(self, **found):
        super().__init__(**found)
        kinds = {name: (name.partition("__")[2], name) for name in found}
        object.__setattr__(self, "results", kinds)
        object.__setattr__(self, "datasets", {name: name.partition("__")[0] for name in found})


ON_THREE = {
    "mnist__pretext_examples": examples(0.1, 0.2),
    "cifar__pretext_examples": examples(0.2, 0.8),
    "ecg__pretext_examples": examples(0.15, 0.1),
    "mnist__example_consistency": rates(0.7),
    "simclr__example_consistency": rates(0.7).query("method == 'dknn'"),
}


def test_a_claim_is_judged_on_every_dataset_and_over_all():
    tables = read(Datasets(**ON_THREE), SETTINGS)
    found = tables.outcomes.set_index("experiment")
    assert found["dataset"].tolist() == ["mnist", "simclr", "mnist", "cifar", "ecg"]
    assert found.loc["cifar__pretext_examples", ["published", "corrected"]].tolist() == [
        HOLDS,
        FAILS,
    ]
    over_all = tables.verdicts.set_index("number")
    columns = ["published", "holds_published", "measured_published"]
    columns += ["corrected", "holds_corrected", "measured_corrected"]
    assert over_all.loc["2.2", columns].tolist() == [HOLDS, 3, 3, FAILS, 2, 3]
    assert over_all.loc["1.2", columns].tolist() == [HOLDS, 2, 2, HOLDS, 1, 1]


def test_the_page_says_at_its_top_how_many_hold():
    assert said(tables_of(**RESULTS).verdicts).startswith(
        "6 of 6 claims hold as published (1.1, 1.2, 2.1, 2.2, 3, Fig. 5), 7 of 7 when corrected"
        " (1.1, 1.2, 2.1, 2.2, 3, Fig. 5, ROAR). "
    )
    assert said(read(Datasets(**ON_THREE), SETTINGS).verdicts).startswith(
        "2 of 2 claims hold as published (1.2, 2.2), 1 of 2 when corrected (1.2). "
    )
    none = tables_of(pretext_examples=examples(0.5, 0.7)).verdicts
    assert said(none).startswith("0 of 1 claims hold as published, 0 of 1 when corrected. ")


def test_the_page_says_whether_every_path_kernel_is_complete():
    def of(encoder, *errors):
        checks = pd.DataFrame({"check": COMPLETENESS, "rate": errors, "replicate": [0, 1]})
        return pd.concat([rates(0.7), checks.assign(end="check", method="path_kernel")]).assign(
            encoder=encoder
        )

    found = {
        "mnist__example_consistency": of("mnist_recorded", 1e-6, 3e-5),
        "cifar__example_consistency": of("cifar_recorded", 1e-6, 7e-4),
        "ecg__example_consistency": rates(0.7),  # no path was explained
    }
    tables = read(Datasets(**found), SETTINGS)
    kept = dict(zip(tables.completeness["encoder"], tables.completeness["kept"], strict=True))
    assert kept == {"mnist_recorded": True, "cifar_recorded": False}
    html = html_of(draw, tables, "labelfree")
    assert "Path kernel complete" in html
    assert "1 of 2" in html
    assert f"largest completeness error {number(7.0e-4, 2)}" in html
    assert "Path kernel complete" not in html_of(draw, tables_of(**RESULTS), "labelfree")


def test_page_has_every_claim_and_dataset_and_links_what_shows_more():
    html = html_of(draw, tables_of(**RESULTS), "labelfree")
    assert html.count("badge faithful") == 2 * (2 * len(STATEMENTS) - 1)
    assert "https://openreview.net/forum?id=n2qXFXiMsAM" in html
    assert all(f'href="{kind}.html"' in html for kind in STATEMENTS)
    assert "6 of 6 claims hold as published" in html
    assert "DKNN (nearest), most important 0.9 (0.89 to 0.91)" in html
    several = html_of(draw, read(Datasets(**ON_THREE), SETTINGS), "labelfree")
    assert '<a href="cifar__pretext_examples.html">cifar</a>' in several
    assert "on 2 of 3" in several
