"""Classes and samples are chosen, images resized, leakage counted."""

import logging

import numpy as np
import pytest

from explaind.errors import DataError
from tests.data.npz_files import arrays, prepare, prepared


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
