"""A file of the user: what is read and what is refused."""

import numpy as np
import pytest

from explaind.errors import DataError
from explaind.paths import Paths
from explaind.pipeline.prepare import prepare_dataset
from tests.data.npz_files import arrays, config_of, prepare, prepared


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


HUGE = np.where(np.isnan(NAN), 1e39, NAN)
FIRST = {f"x_{part}": np.zeros((n, 3, 5, 6), np.uint8) for part, n in (("train", 12), ("test", 6))}


WRONG = {
    "channels first": (arrays(**FIRST), r"as \[sample, row, column, channel\], .* channels first"),
    "too large": (arrays(x_train=HUGE, x_test=NAN[:6]), "beyond float32 in 1 samples.* sample 7"),
    "label": (arrays(y_test=np.full(6, 10**12), class_names=None), "from 0 on, got 1000000000000"),
    "missing": (arrays(y_test=None), "add y_test"),
    "object": (arrays(x_train=np.array([None] * 12)), "never unpickled"),
    "type": (arrays(x_train=np.zeros((12, 5, 4), int)), "expected x_train as uint8 or floating"),
    "shape": (arrays(x_train=np.zeros((12, 20), np.uint8)), r"got the shape \(12, 20\)"),
    "empty": (arrays(x_test=np.zeros((0, 5, 4, 3), np.uint8)), "nothing empty"),
    "nan": (arrays(x_train=NAN, x_test=NAN[:6]), "beyond float32 in 1 samples.* sample 7"),
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


def test_the_byte_order_does_not_matter(tmp_path):
    grey = np.random.default_rng(0).random((12, 5, 4)).astype(np.float32)
    content = arrays(x_train=grey.astype(">f4"), x_test=grey[:6])
    found = prepared(tmp_path, content)
    np.testing.assert_array_equal(found.x_train[:, 0], grey)


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
