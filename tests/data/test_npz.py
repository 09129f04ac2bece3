"""A file of the user: what is read and what is refused."""

import logging

import numpy as np
import pytest

from explaind.config.load import load_config
from explaind.data.load import load_dataset
from explaind.errors import DataError
from explaind.paths import Paths
from explaind.pipeline.prepare import prepare_dataset
from explaind.store import open_sealed


def arrays(**changes):
    rng = np.random.default_rng(0)
    made = {
        "x_train": rng.integers(0, 256, (12, 5, 4, 3), dtype=np.uint8),
        "y_train": np.arange(12) % 3,
        "x_test": rng.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8),
        "y_test": np.arange(6) % 3,
        "class_names": np.array(["ant", "bee", "cow"]),
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def config_of(**options):
    settings = {"kind": "npz", "path": "mine.npz", **options}
    return load_config({"datasets": {"mine": settings, "modulo": {}}})


def prepare(root, content, **options):
    np.savez(root / "mine.npz", **content)
    config = config_of(**options)
    prepare_dataset(config, Paths(root), "mine")
    return config


def prepared(root, content, **options):
    prepare(root, content, **options)
    return open_sealed(Paths(root).dataset("mine")).load()


def test_images_are_stored_channel_first_with_their_labels(tmp_path):
    content = arrays(index_train=np.arange(100, 112), extra=np.array([1.0]))
    found = prepared(tmp_path, content)
    for part, name in (("train", "train"), ("validation", "test")):
        expected = content[f"x_{name}"].transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(found[f"x_{part}"], expected)
        np.testing.assert_array_equal(found[f"y_{part}"], content[f"y_{name}"])
    assert (found.x_train.dtype, found.y_train.dtype) == (np.uint8, np.int64)
    np.testing.assert_array_equal(found.index_train, np.arange(100, 112))
    np.testing.assert_array_equal(found.index_validation, np.arange(6))
    assert found.attrs["class_names"] == ["ant", "bee", "cow"]
    assert found.attrs["leaked"] == 0


def test_grey_images_have_one_channel_and_unnamed_classes_their_number(tmp_path):
    content = arrays(class_names=None)
    content = {n: v[..., 0] if n.startswith("x") else v for n, v in content.items()}
    found = prepared(tmp_path, content)
    assert found.x_train.shape == (12, 1, 5, 4)
    assert found.attrs["class_names"] == ["0", "1", "2"]


NAN = np.zeros((12, 5, 4), dtype=np.float64)
NAN[7, 1, 1] = np.nan
WRONG = {
    "missing": (arrays(y_test=None), "add y_test"),
    "object": (arrays(x_train=np.array([None] * 12)), "never unpickled"),
    "type": (arrays(x_train=np.zeros((12, 5, 4), int)), "expected x_train as uint8 or floating"),
    "shape": (arrays(x_train=np.zeros((12, 20), np.uint8)), r"got the shape \(12, 20\)"),
    "empty": (arrays(x_test=np.zeros((0, 5, 4, 3), np.uint8)), "nothing empty"),
    "nan": (arrays(x_train=NAN, x_test=NAN[:6]), "NaN or infinity in 1 samples.* sample 7"),
    "length": (arrays(y_train=np.zeros(11, int)), "expected y_train as 12 integers"),
    "floats": (arrays(y_train=np.zeros(12)), "expected y_train as 12 integers, .* got float64"),
    "negative": (arrays(y_train=np.arange(12) % 3 - 1), "expected y_train from 0 on, got -1"),
    "range": (arrays(y_test=np.arange(6)), "expected labels below 3, .* got 5"),
    "index": (arrays(index_train=np.zeros(3, int)), "expected index_train as 12 integers"),
    "alike": (arrays(x_test=np.zeros((6, 5, 5, 3), np.uint8)), "of one shape and type"),
    "one class": (arrays(y_train=np.zeros(12, int)), "none of class 1"),
    "names": (arrays(class_names=np.array(["a", "a", "b"])), "different texts"),
    "gap": (
        arrays(y_train=1 + np.arange(12) % 3, y_test=np.ones(6, int), class_names=None),
        "none of class 0",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_and_leaves_nothing(tmp_path, case):
    content, message = WRONG[case]
    with pytest.raises(DataError, match=message):
        prepare(tmp_path, content)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("content", [None, b"", b"not a zip", b"PK\x03\x04 damaged"])
def test_an_unreadable_file_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"datasets\.mine: .*mine\.npz"):
        prepare_dataset(config_of(), Paths(tmp_path), "mine")


def test_a_single_array_is_no_npz(tmp_path):
    with (tmp_path / "mine.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match=r"expected an \.npz file"):
        prepare_dataset(config_of(), Paths(tmp_path), "mine")


def test_leakage_between_the_parts_is_counted_and_logged(tmp_path, caplog):
    content = arrays()
    content["x_test"][[1, 4]] = content["x_train"][[0, 0]]
    with caplog.at_level(logging.WARNING):
        found = prepared(tmp_path, content)
    assert found.attrs["leaked"] == 2
    assert "2 of 6 validation images are training images as well" in caplog.text


def test_classes_are_relabelled_in_the_order_asked_for(tmp_path):
    content = arrays()
    found = prepared(tmp_path, content, classes=["cow", 0])
    rows = np.flatnonzero(content["y_train"] != 1)
    np.testing.assert_array_equal(found.index_train, rows)
    np.testing.assert_array_equal(found.y_train, np.where(content["y_train"][rows] == 2, 0, 1))
    assert found.attrs["class_names"] == ["cow", "ant"]
    assert found.attrs["classes"] == 2


@pytest.mark.parametrize("classes", [["ant", "fly"], [0, 3], [0, -1]])
def test_an_unknown_class_is_named(tmp_path, classes):
    with pytest.raises(DataError, match="expected some of ant, bee, cow") as raised:
        prepare(tmp_path, arrays(), classes=classes)
    assert repr(classes[1]) in str(raised.value)


def test_a_subset_is_balanced_seeded_and_in_the_order_of_the_source(tmp_path):
    found = [prepared(tmp_path, arrays(), train_samples=7, seed=seed) for seed in (1, 1, 2)]
    assert sorted(np.bincount(found[0].y_train)) == [2, 2, 3]
    assert (np.diff(found[0].index_train) > 0).all()
    assert found[0].index_train.equals(found[1].index_train)
    assert not found[0].index_train.equals(found[2].index_train)


def test_a_subset_needs_enough_images_of_each_class(tmp_path):
    with pytest.raises(DataError, match="train_samples: expected 3 to 12"):
        prepare(tmp_path, arrays(), train_samples=13)


def test_resized_images_keep_flat_areas_and_their_type(tmp_path):
    content = arrays(
        x_train=np.full((12, 4, 4), 7, np.uint8) * np.arange(12, dtype=np.uint8)[:, None, None],
        x_test=np.zeros((6, 4, 4), np.uint8),
    )
    found = prepared(tmp_path, content, resize=9)
    assert found.x_train.shape == (12, 1, 9, 9)
    assert found.x_train.dtype == np.uint8
    np.testing.assert_array_equal(found.x_train[:, 0, 3, 5], 7 * np.arange(12))


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


def test_equal_arrays_have_equal_checksums(tmp_path):
    sums = [prepared(tmp_path, arrays(), seed=seed).attrs["sha256"] for seed in (0, 1)]
    other = arrays()
    other["x_test"][0, 0, 0, 0] ^= 1
    assert sums[0] == sums[1] != prepared(tmp_path, other).attrs["sha256"]
