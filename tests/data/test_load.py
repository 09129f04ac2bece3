"""What the network sees of a prepared dataset."""

import numpy as np
import pytest
import torch

from explaind.data.load import load_dataset
from explaind.errors import DataError, StoreError
from explaind.paths import Paths
from tests.data.npz_files import arrays, config_of, prepare


def test_the_network_sees_normalised_numbers(tmp_path):
    content, mean, std = arrays(), (0.1, 0.2, 0.3), (0.5, 1.0, 2.0)
    config = prepare(tmp_path, content, mean=mean, std=std)
    data = load_dataset(config, Paths(tmp_path), "mine")
    expected = (content["x_test"] / 255 - mean) / std
    np.testing.assert_allclose(data.x_validation, expected.transpose(0, 3, 1, 2), rtol=1e-5)
    assert data.input_shape == (3, 5, 4)
    assert data.classes == 3


def test_floating_images_are_taken_as_they_are(tmp_path):
    x = np.linspace(-3, 300, 12 * 20).reshape(12, 5, 4)
    config = prepare(tmp_path, arrays(x_train=x, x_test=x[:6]))
    data = load_dataset(config, Paths(tmp_path), "mine")
    np.testing.assert_allclose(data.x_train[:, 0], x, rtol=1e-6)


def test_as_many_means_as_channels(tmp_path):
    config = prepare(tmp_path, arrays(), mean=[0.5])
    with pytest.raises(DataError, match=r"datasets\.mine\.mean: expected 3 numbers"):
        load_dataset(config, Paths(tmp_path), "mine")


def test_a_dataset_moves_as_a_whole(tmp_path):
    config = prepare(tmp_path, arrays())
    data = load_dataset(config, Paths(tmp_path), "mine")
    moved = data.to(torch.device("meta"))
    tensors = (moved.x_train, moved.y_train, moved.x_validation, moved.y_validation)
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert (moved.classes, moved.sha256) == (data.classes, data.sha256)
    assert data.x_train.device.type == "cpu"


def test_a_dataset_of_another_config_is_refused(tmp_path):
    prepare(tmp_path, arrays())
    with pytest.raises(StoreError, match=r"seed is 0, now 1.*prepare_dataset"):
        load_dataset(config_of(seed=1), Paths(tmp_path), "mine")
