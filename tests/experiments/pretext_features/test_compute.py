"""Pretext tasks and features: from trained encoders to a page."""

import numpy as np
import pytest
import torch

from explaind.data.load import load_dataset
from explaind.experiments.drawing import draw_page
from explaind.experiments.job import compute_experiment
from explaind.pipeline.load_encoder import load_encoder
from explaind.store import open_sealed
from tests.experiments.trained_encoders import computed

NAME = "pretext_features"


@pytest.fixture
def made():
    config, paths = computed(NAME)
    return config, paths, open_sealed(paths.experiment("encoders", NAME, "zarr"))


def test_saliency_is_correlated_as_by_hand(made):
    config, paths, store = made
    x = load_dataset(config, paths, "images").x_validation[:8]
    for replicate in range(2):
        maps = []
        for name in ("first", "second"):
            encoder = load_encoder(config, paths, name, replicate).encoder
            z = x.clone().requires_grad_(True)
            (encoder(z) * encoder(x).detach()).sum().backward()
            maps.append(z.grad.abs().flatten().double().numpy())
        found = store["correlation"].sel(case="saliency", over="pooled", rank="pearson")
        value = float(found.isel(replicate=replicate, task=0, other=1))
        assert value == pytest.approx(np.corrcoef(*maps)[0, 1], abs=1e-5)


def test_what_is_shown_is_of_different_classes(made):
    config, paths, store = made
    y = load_dataset(config, paths, "images").y_validation
    shown = y[torch.from_numpy(store["sample"].values)]
    assert len(set(shown.tolist())) == 2
    assert store["importance"].dims == ("shown", "case", "task", "channel", "row", "column")
    assert (store["importance"].values >= 0).all()


def test_the_same_command_writes_the_same_table_to_the_byte(made):
    config, paths, _ = made
    draw_page(config, paths, NAME)
    table = paths.table(NAME, "correlations")
    first = table.read_bytes()
    compute_experiment(config, paths, NAME)
    draw_page(config, paths, NAME)
    assert table.read_bytes() == first
    assert b"reconstruction,classification" in first


def test_the_page_shows_every_method_and_task(made):
    config, paths, _ = made
    draw_page(config, paths, NAME)
    html = paths.figure(NAME).read_text()
    for text in ("GradientShap", "integrated gradients", "saliency", "Encoders without labels"):
        assert text in html
    assert html.count("importance of pixels, classification") == 2 * 3  # samples, methods
