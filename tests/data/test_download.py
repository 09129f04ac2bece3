"""Datasets through torchvision, without a network."""

import urllib.error
from importlib.util import find_spec

import numpy as np
import pytest

from explaind.config.load import load_config
from explaind.data import download
from explaind.errors import DataError, UnsupportedError
from explaind.paths import Paths
from explaind.pipeline.prepare import prepare_dataset
from explaind.store import open_sealed
from tests.data.torchvision_files import NAMES, write_cifar10
from tests.requirements import need


@pytest.fixture
def family():
    need(find_spec("torchvision") is not None, "torchvision, the extra `vision`")
    return download.torchvision_datasets().CIFAR10


def prepared(root, **dataset):
    config = load_config({"datasets": {"images": dataset, "modulo": {}}})
    prepare_dataset(config, Paths(root), "images")
    return open_sealed(Paths(root).dataset("images")).load()


def npz_of_cats_and_dogs(path, x, y, x_test, y_test):
    rows = {
        part: np.flatnonzero(np.isin(found, [3, 5]))
        for part, found in (("train", y), ("test", y_test))
    }
    np.savez(
        path,
        x_train=x[rows["train"]],
        y_train=(y[rows["train"]] == 5).astype(np.int64),
        x_test=x_test[rows["test"]],
        y_test=(y_test[rows["test"]] == 5).astype(np.int64),
        index_train=rows["train"],
        index_test=rows["test"],
        class_names=np.array(["cat", "dog"]),
    )


@pytest.mark.parametrize("chosen", [{}, {"train_samples": 7, "validation_samples": 3, "seed": 4}])
def test_cifar2_is_the_same_from_torchvision_and_from_a_file(tmp_path, family, monkeypatch, chosen):
    arrays = write_cifar10(tmp_path / "data" / "raw", family, monkeypatch)
    npz_of_cats_and_dogs(tmp_path / "cifar2.npz", *arrays)
    first = prepared(tmp_path, kind="cifar2", **chosen)
    second = prepared(tmp_path, kind="npz", path="cifar2.npz", **chosen)
    for store in (first, second):
        for name in ("kind", "provenance", "config"):
            assert store.attrs.pop(name)
    assert first.identical(second)
    assert all(first[name].dtype == second[name].dtype for name in first)
    assert first.sizes["train"] == chosen.get("train_samples", 20)


def test_images_and_labels_are_those_of_the_files(tmp_path, family, monkeypatch):
    x, y, x_test, y_test = write_cifar10(tmp_path / "data" / "raw", family, monkeypatch)
    found = prepared(tmp_path, kind="cifar10")
    np.testing.assert_array_equal(found.x_train, x.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(found.y_train, y)
    np.testing.assert_array_equal(found.x_validation, x_test.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(found.y_validation, y_test)
    assert found.x_train.dtype == np.uint8
    assert tuple(found.attrs["class_names"]) == NAMES
    cats = prepared(tmp_path, kind="cifar2")
    np.testing.assert_array_equal(cats.index_train, np.flatnonzero((y == 3) | (y == 5)))
    np.testing.assert_array_equal(cats.x_train, found.x_train[cats.index_train.values])
    np.testing.assert_array_equal(cats.y_train, y[cats.index_train.values] == 5)


def test_without_a_network_it_says_what_to_do(tmp_path, family, monkeypatch):
    attempts = []

    def broken(url, root, filename, md5):
        attempts.append(url)
        (tmp_path / "data" / "raw" / filename).write_bytes(b"half of it")
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", broken)
    monkeypatch.setattr(download, "PAUSE", 0.0)
    with pytest.raises(DataError, match="no network") as raised:
        prepared(tmp_path, kind="cifar2")
    assert len(attempts) == 3
    for part in ("by hand", family.url, "cifar-10-python.tar.gz", family.tgz_md5, "kind: npz"):
        assert part in str(raised.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_download_that_works_the_second_time(tmp_path, family, monkeypatch):
    folder = tmp_path / "data" / "raw"
    attempts = []

    def flaky(*_, **__):
        attempts.append(1)
        if len(attempts) == 1:
            raise ConnectionResetError("reset")
        write_cifar10(folder, family, monkeypatch)

    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", flaky)
    monkeypatch.setattr(download, "PAUSE", 0.0)
    assert prepared(tmp_path, kind="cifar2").sizes["train"] == 20
    assert len(attempts) == 2


def test_a_changed_file_is_not_read(tmp_path, family, monkeypatch):
    """torchvision unpickles: only files with its checksums may get that far."""
    write_cifar10(tmp_path / "data" / "raw", family, monkeypatch)
    (tmp_path / "data" / "raw" / family.base_folder / "data_batch_3").write_bytes(b"evil")
    monkeypatch.setattr("pickle.load", lambda *_, **__: pytest.fail("unpickled"))
    monkeypatch.setattr(
        "torchvision.datasets.cifar.download_and_extract_archive", lambda *_, **__: None
    )
    monkeypatch.setattr(download, "PAUSE", 0.0)
    with pytest.raises(DataError, match="could not be downloaded"):
        prepared(tmp_path, kind="cifar10")


def test_missing_torchvision_is_named(tmp_path, monkeypatch):
    download.torchvision_datasets.cache_clear()
    monkeypatch.setattr(download, "find_spec", lambda _: None)
    with pytest.raises(UnsupportedError, match=r"--editable \.\[vision\]"):
        prepared(tmp_path, kind="mnist")
