"""Tables, tokens and other arrays of one's own: kept as they are, or refused by name."""

import numpy as np
import pytest

from explaind.data.arrays import arrays_dataset, arrays_of_file
from explaind.errors import DataError

TABLE = np.arange(12.0).reshape(4, 3)
GIVEN = {
    "x_train": TABLE,
    "y_train": np.array([0.5, 1, 2, 3]),
    "x_test": TABLE[:2],
    "y_test": np.array([1.0, 2]),
}
TOKENS = np.arange(8).reshape(4, 2)
CLASSES = {
    "x_train": TOKENS,
    "y_train": np.array([0, 1, 2, 0]),
    "x_test": TOKENS[:2],
    "y_test": np.array([1, 0]),
}


def test_a_table_with_numbers_as_targets():
    made = arrays_dataset(GIVEN, "houses")
    assert made["x_train"].dims == ("train", "feature")
    assert made["x_validation"].dtype == np.float32
    np.testing.assert_array_equal(made["y_train"], GIVEN["y_train"])
    assert (made.attrs["classes"], made.attrs["provenance"]) == (0, "houses")


def test_tokens_with_classes():
    made = arrays_dataset(CLASSES, "text")
    assert made["x_train"].dims == ("train", "position")
    assert made["x_train"].dtype == made["y_validation"].dtype == np.int64
    assert made.attrs["class_names"] == ["0", "1", "2"]
    named = arrays_dataset(CLASSES | {"class_names": ["a", "b", "c", "d"]}, "text")
    assert named.attrs["classes"] == 4


def test_a_target_for_each_position_may_be_ignored():
    y = np.where(TOKENS > 0, TOKENS, -100)
    made = arrays_dataset(CLASSES | {"y_train": y, "y_test": y[:2]}, "text")
    assert made["y_train"].dims == ("train", "target_0")
    assert made.attrs["classes"] == 8


def test_from_a_file(tmp_path):
    np.savez(tmp_path / "houses.npz", **GIVEN, other=np.ones(2))
    found = arrays_of_file(tmp_path / "houses.npz")
    assert found.keys() == GIVEN.keys()
    np.testing.assert_array_equal(found["x_train"], TABLE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y_train": np.ones(3)}, "a target for each of the 4 samples of x_train, got 3"),
        ({"x_test": TABLE[:2, :2]}, "x_train and x_test of one shape"),
        ({"y_test": np.array([0, 1])}, "y_train and y_test of one shape and type"),
        ({"x_train": np.where(TABLE == 5, np.nan, TABLE)}, "1 samples, the first is sample 1"),
        ({"x_train": TABLE * 1e300}, "beyond float32"),
        ({"x_train": TABLE[:0]}, "nothing empty"),
        ({"x_train": np.array(["a"] * 4)}, "expected numbers"),
        ({"x_train": np.zeros((4, 2, 2), np.uint8)}, "looks like images"),
    ],
)
def test_what_cannot_be_used_is_named(change, said):
    with pytest.raises(DataError, match=said):
        arrays_dataset(GIVEN | change, "houses")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y_train": np.array([0, 1, -1, 0])}, "classes from 0 on, got -1"),
        ({"class_names": ["a", "b"]}, "classes below 2, the number of class_names, got 2"),
    ],
)
def test_classes_are_numbered_and_named(change, said):
    with pytest.raises(DataError, match=said):
        arrays_dataset(CLASSES | change, "text")


@pytest.mark.parametrize(
    ("given", "got"), [([1, 2], "list"), ({}, "none"), ({"x_train": TABLE}, "x_train")]
)
def test_four_arrays_are_asked_for(given, got):
    with pytest.raises(DataError, match=f"x_train, y_train, x_test, y_test by name, got {got}"):
        arrays_dataset(given, "mine")
