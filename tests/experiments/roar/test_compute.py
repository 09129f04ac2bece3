"""ROAR on small autoencoders: mask i on image i, always by the original encoder."""

import pytest
import torch

from explaind.errors import ConfigError
from explaind.experiments.roar.compute import compute, without_pixels
from explaind.experiments.roar.page import draw
from explaind.experiments.roar.tables import RoarTables, loss_curves
from explaind.labelfree.masking import most_important
from tests.experiments.small_encoders import html_of, job_of, trained

SETTINGS = {"kind": "roar", "methods": ["saliency", "random"], "fractions": [0.25]}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("autoencoders"), "autoencoder")


@pytest.fixture(scope="module")
def job(paths, tmp_path_factory):
    return job_of(paths, tmp_path_factory.mktemp("scratch"), **SETTINGS, encoders=["autoencoder"])


def test_every_image_loses_its_own_pixels(job):
    network, places = job.network("autoencoder", 0), torch.arange(40)

    def marked(encoder, images):
        """Image i has its only important pixels from place i on."""
        assert encoder is network.encoder
        importance = torch.zeros(len(images), 256)
        for step in range(64):
            importance[places, (places + step) % 256] = 1
        return importance.view_as(images)

    data = without_pixels(job.data, network, marked, 0.25)
    changed = (data.x_train != job.data.x_train).flatten(1)
    for i in range(40):
        hidden = set(((i + torch.arange(64)) % 256).tolist())
        lit = set(job.data.x_train[i].flatten().nonzero()[:, 0].tolist())
        assert set(changed[i].nonzero()[:, 0].tolist()) == hidden & lit
    assert torch.equal(data.x_validation, job.data.x_validation)
    assert data.sha256 != job.data.sha256


@pytest.fixture(scope="module")
def seen(job):
    """The table, and of every training the encoder that decided and the masked images."""
    networks = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "explaind.experiments.roar.compute.without_pixels",
            lambda data, network, *rest: (
                networks.append({k: v.clone() for k, v in network.state_dict().items()}),
                without_pixels(data, network, *rest),
            )[1],
        )
        return compute(job), networks


def test_every_method_explains_the_original_encoder(seen, job):
    _, networks = seen
    for number, found in enumerate(networks):
        original = job.network("autoencoder", number // 2).state_dict()
        assert all(torch.equal(value, original[name]) for name, value in found.items())
    assert len(networks) == 4


def test_rows_are_of_every_replicate_method_and_fraction(seen):
    table, _ = seen
    keys = table[["replicate", "method", "fraction"]].to_records(index=False).tolist()
    assert keys == [
        (replicate, method, fraction)
        for replicate in (0, 1)
        for method in ("saliency", "random")
        for fraction in (0.0, 0.25)
    ]
    assert (table["loss"] > 0).all()


def test_page_compares_with_the_control(seen):
    table, _ = seen
    html = html_of(draw, RoarTables(table, loss_curves(table)), "roar")
    assert html.count("<tr>") == 1 + 1  # saliency at a quarter


def test_masks_take_the_most_important_pixels():
    importance = torch.tensor([[[[0.1, -3.0], [2.0, 0.0]]]])
    assert most_important(importance, 0.5).flatten().tolist() == [False, True, True, False]


def test_other_encoders_are_refused(paths, tmp_path):
    job = job_of(paths, tmp_path, **SETTINGS, encoders=["classifier"])
    with pytest.raises(ConfigError, match="reconstruction, got 'classifier'"):
        compute(job)
