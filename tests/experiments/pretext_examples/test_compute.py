"""Pretext tasks and examples: from trained encoders to a page."""

import numpy as np
import pandas as pd
import pytest
import torch

from explaind.data.load import load_dataset
from explaind.errors import ConfigError
from explaind.experiments.drawing import draw_page
from explaind.experiments.job import compute_experiment
from explaind.pipeline.load_encoder import load_encoder
from explaind.store import open_sealed
from tests.experiments.trained_encoders import computed

NAME = "pretext_examples"


@pytest.fixture
def made():
    config, paths = computed(NAME)
    return config, paths, open_sealed(paths.experiment("encoders", NAME, "zarr"))


def balanced_rows(y):
    """The first two of each of ten classes, one class after another and again."""
    members = [torch.nonzero(y == label)[:2, 0] for label in range(10)]
    return torch.stack(members, 1).flatten()


def test_distances_are_correlated_as_by_hand(made):
    config, paths, store = made
    data = load_dataset(config, paths, "images")
    rows = balanced_rows(data.y_train)
    distances = []
    for name in ("first", "second"):
        encoder = load_encoder(config, paths, name, 0).double().encoder
        with torch.no_grad():
            test = encoder(data.x_validation[:8].double())
            train = encoder(data.x_train[rows].double())
        distances.append((test[:, None] - train[None]).norm(dim=2).numpy())
    for case, values in (
        ("log_distance", np.log(distances)),
        ("inverse_square_distance", np.array(distances) ** -2.0),
    ):
        found = store["correlation"].sel(case=case, over="pooled", rank="pearson")
        expected = np.corrcoef(values[0].ravel(), values[1].ravel())[0, 1]
        assert float(found.isel(replicate=0, task=0, other=1)) == pytest.approx(expected, abs=1e-3)
    nearest = store["nearest"].isel(place=0).values
    shown = store["sample"].values
    for task in range(2):
        expected = rows[distances[task][shown].argmin(1)]
        assert nearest[:, task].tolist() == expected.tolist()


def test_the_page_names_the_nearest_training_images(made):
    config, paths, _ = made
    draw_page(config, paths, NAME)
    table = pd.read_csv(paths.table(NAME, "nearest"))
    assert len(table) == 2 * 2 * 3  # samples, tasks, places
    assert (table.groupby(["sample", "task"])["distance"].diff().dropna() >= 0).all()
    html = paths.figure(NAME).read_text()
    assert all(f"training image {row}" in html for row in table["train"])


def test_more_training_samples_than_there_are_is_refused(made):
    config, paths, _ = made
    settings = config.experiments[NAME].model_copy(update={"train_samples": 50})
    more = config.model_copy(update={"experiments": {NAME: settings}})
    with pytest.raises(ConfigError, match="expected at most 40"):
        compute_experiment(more, paths, NAME)
