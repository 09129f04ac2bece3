"""Encoder against full model, on small classifiers."""

import numpy as np
import pytest

from explaind.errors import ConfigError
from explaind.experiments.encoder_and_model.compute import FULL_MODEL, compute
from explaind.experiments.encoder_and_model.page import draw
from explaind.experiments.encoder_and_model.tables import AgreementTables, mean_agreement
from explaind.experiments.feature_methods import feature_method, importance_of
from tests.experiments.small_encoders import html_of, job_of, trained

SETTINGS = {"kind": "encoder_and_model", "steps": 5, "images": 8}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("classifiers"), "classifier")


@pytest.fixture(scope="module")
def job(paths, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("scratch")
    return job_of(paths, scratch, **SETTINGS, encoders=["classifier"])


@pytest.fixture(scope="module")
def table(job):
    return compute(job)


def test_every_replicate_method_and_output_is_measured(table):
    assert len(table) == 2 * 3 * len(FULL_MODEL)
    assert table["correlation"].between(-1, 1).all()


def test_correlation_is_the_mean_of_those_of_the_images(table, job):
    network, images = job.network("classifier", 1), job.data.x_validation[:8]
    importance = importance_of(feature_method("integrated_gradients", 1, steps=5), images[:1] * 0)
    maps = [importance(part, images).abs().numpy() for part in (network.encoder, network)]
    lit = images.numpy() != 0
    found = [
        np.corrcoef(maps[0][number][lit[number]], maps[1][number][lit[number]])[0, 1]
        for number in range(8)
    ]
    row = table.query(
        "replicate == 1 and method == 'integrated_gradients' and output == 'logits'"
    ).iloc[0]
    assert row["correlation"] == pytest.approx(np.nanmean(found), abs=1e-4)


def test_page_has_a_row_for_each_mean(table):
    agreement = mean_agreement(table)
    html = html_of(draw, AgreementTables(table, agreement), "encoder_and_model")
    assert html.count("<tr>") == 1 + len(agreement)


def test_encoders_without_classes_are_refused(paths, tmp_path):
    job = job_of(paths, tmp_path, **SETTINGS, encoders=["autoencoder"])
    with pytest.raises(ConfigError, match="classification, got 'autoencoder'"):
        compute(job)
