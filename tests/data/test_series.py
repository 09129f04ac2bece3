"""Series: from a file, or generated."""

import numpy as np
import pytest

from explaind.config.dataset import EcgLikeDataset, NpzSeriesDataset
from explaind.data.series import ecg_like_series, series_dataset, series_of_file
from explaind.errors import DataError


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "ecg.npz",
        x_train=rng.normal(size=(5, 14)).astype(np.float32),
        y_train=np.array([1, 2, 1, 5, 1]),
        x_test=rng.normal(size=(4, 14)).astype(np.float32),
        y_test=np.array([3, 1, 1, 4]),
    )
    return tmp_path / "ecg.npz"


def test_both_parts_of_a_file_are_merged_and_normal_is_class_0(path):
    series = series_of_file(path, normal=1)
    assert series.x.shape == (9, 14, 1)
    assert series.y.tolist() == [0, 1, 0, 1, 0, 1, 0, 0, 1]


def test_a_file_without_normal_series_is_refused(path, tmp_path):
    with pytest.raises(DataError, match="got 7, which none has; the labels are 1, 2, 3, 4, 5"):
        series_of_file(path, normal=7)
    np.savez(tmp_path / "bad.npz", x_train=np.zeros((2, 3)))
    with pytest.raises(DataError, match="expected x_train, y_train, x_test and y_test"):
        series_of_file(tmp_path / "bad.npz", normal=1)


def test_trained_on_normal_series_the_abnormal_ones_are_left(path):
    settings = NpzSeriesDataset(path="", training="normal")
    made = series_dataset(settings, series_of_file(path, 1))
    assert set(made["y_train"].values) == {0}
    assert set(made["y_validation"].values) == {1}
    assert (made.sizes["train"], made.sizes["validation"]) == (5, 4)


def test_a_random_split_has_its_share_and_every_series_once():
    settings = EcgLikeDataset(samples=50, train_fraction=0.6)
    series = ecg_like_series(settings)
    made = series_dataset(settings, series)
    assert (made.sizes["train"], made.sizes["validation"]) == (30, 20)
    assert (settings.train_size, settings.validation_size) == (30, 20)
    index = np.concatenate([made["index_train"], made["index_validation"]])
    assert sorted(index) == list(range(50))
    assert (made["x_train"].values == series.x[made["index_train"].values]).all()


def test_generated_classes_differ_and_follow_the_seed():
    series = ecg_like_series(EcgLikeDataset(samples=200, seed=3))
    assert (series.x == ecg_like_series(EcgLikeDataset(samples=200, seed=3)).x).all()
    assert 0.25 < series.y.mean() < 0.55
    means = np.stack([series.x[series.y == label].mean(0) for label in (0, 1)])
    distances = np.square(series.x[:, None] - means).sum((2, 3))
    assert (distances.argmin(1) == series.y).mean() > 0.95  # by the nearer mean
