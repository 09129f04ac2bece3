"""The linear probe on representations that are known, and on small encoders."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from explaind.errors import ConfigError
from explaind.experiments.linear_probe.compute import compute, probe
from explaind.experiments.linear_probe.page import draw
from explaind.experiments.linear_probe.settings import LinearProbeSettings
from explaind.experiments.linear_probe.tables import (
    INPUTS,
    TRAINED,
    UNTRAINED,
    LinearProbeTables,
    mean_accuracy,
)
from explaind.labelfree.encoding import encode
from tests.experiments.small_encoders import html_of, job_of, trained

SETTINGS = LinearProbeSettings(encoders="mine")


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("encoders"), "autoencoder", "simclr")


@pytest.fixture(scope="module")
def job(paths, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("scratch")
    return job_of(paths, scratch, kind="linear_probe", encoders=["autoencoder", "simclr"])


@pytest.fixture(scope="module")
def table(job):
    return compute(job)


def features(generator, labels, distance):
    """Two features; the first tells the two classes apart, the second is large noise."""
    noise = generator.normal(size=(len(labels), 2)) * [1, 100]
    noise[:, 0] += distance * labels
    return noise


@pytest.mark.parametrize(("distance", "least", "most"), [(8, 0.98, 1), (0, 0.35, 0.65)])
def test_only_what_is_there_is_read_off(distance, least, most):
    generator = np.random.default_rng(0)
    labels = np.arange(200) % 2
    seen = [features(generator, labels, distance) for _ in range(2)]
    found = probe(seen, (labels, labels), SETTINGS)
    assert least <= found["accuracy"] <= most


def test_the_representations_are_those_of_the_trained_encoder_in_evaluation_mode(table, job):
    data = job.data
    encoder = job.network("simclr", 0).encoder
    train, test = (encode(encoder, x).double().numpy() for x in (data.x_train, data.x_validation))
    mean, std = train.mean(0), train.std(0)
    std[std < 1e-12] = 1
    model = LogisticRegression(max_iter=1000).fit((train - mean) / std, data.y_train.numpy())
    expected = model.score((test - mean) / std, data.y_validation.numpy())
    row = table.query("encoder == 'simclr' and seen == @TRAINED", local_dict={"TRAINED": TRAINED})
    assert row["accuracy"].item() == pytest.approx(expected)


def test_controls_stand_beside_every_encoder(table):
    assert set(table["seen"]) == {TRAINED, UNTRAINED, INPUTS}
    assert table["majority"].tolist() == [0.5] * len(table)
    raw = table[table["seen"] == INPUTS]
    assert raw["accuracy"].nunique() == 1
    assert raw["accuracy"].iloc[0] > 0.9  # zeros and ones


def test_the_page_has_a_row_for_each_mean(table):
    accuracy = mean_accuracy(table)
    html = html_of(draw, LinearProbeTables(accuracy, table), "linear_probe")
    assert html.count("<tr>") == 1 + len(accuracy)


def test_one_that_does_not_converge_is_refused():
    generator, labels = np.random.default_rng(0), np.arange(200) % 2
    seen = [features(generator, labels, 1) for _ in range(2)]
    few = SETTINGS.model_copy(update={"iterations": 1})
    with pytest.raises(ConfigError, match="iterations: expected"):
        probe(seen, (labels, labels), few)
