"""The verdict on a run, at and beside its limits."""

import pandas as pd
import pytest

from explaind.report.verdict import LIMITS, verdict

METRICS = pd.DataFrame(
    {"step": [0, 5], "train_accuracy": [0, 1], "validation_accuracy": [0.0, 0.75]}
).assign(validation_loss=[1.0, 0.125])


@pytest.mark.parametrize(
    ("agreement", "divergence", "expected"),
    [
        (1.0, 0.0, "faithful"),
        (0.99, 1e-3, "faithful"),
        (0.989, 1e-3, "approximate"),
        (0.99, 1.1e-3, "approximate"),
        (0.95, 0.05, "approximate"),
        (0.94, 0.0, "unfaithful"),
        (1.0, 0.06, "unfaithful"),
        (1.0, float("nan"), "unfaithful"),
    ],
)
def test_both_limits_have_to_be_kept(agreement, divergence, expected):
    statistics = {"argmax_agreement": agreement, "kl_mean_per_sample": divergence, "samples": 200}
    found = verdict(METRICS, statistics)
    assert found.name == expected
    assert found.limits.startswith("not even") == (expected == "unfaithful")


def test_the_sentence_says_what_was_learned_and_how_closely_it_is_explained():
    statistics = {"argmax_agreement": 0.995, "kl_mean_per_sample": 2e-6, "samples": 200}
    assert verdict(METRICS, statistics).sentence == (
        "Learned in 5 steps to predict 75 % of the validation samples; its reformulation by the"
        " path kernel predicts the same class for 99.5 % of the 200 samples and differs by"
        " 2.0 \N{MULTIPLICATION SIGN} 10⁻⁶ nat (KL divergence)."
    )
    plain = METRICS.drop(columns=["train_accuracy", "validation_accuracy"])
    assert verdict(plain, statistics).sentence.startswith(
        "Trained in 5 steps to a validation loss of 0.125;"
    )


def test_limits_are_stated():
    assert str(LIMITS["faithful"]) == (
        "the same class is predicted for at least 99 % of the validation samples, at a mean KL"
        " divergence of at most 0.001 nat"
    )
