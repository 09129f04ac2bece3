"""dSprites, from files made like it."""

import numpy as np
import pytest

from explaind.data.dsprites import _mapped, dsprites_source
from explaind.errors import DataError


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 2, (90, 64, 64), dtype=np.uint8)


def write(path, images, **arrays):
    latents = np.zeros((len(images), 6), dtype=np.int64)
    latents[:, 1] = np.arange(len(images)) % 3
    np.savez_compressed(path, latents_classes=latents, **arrays)
    return path


@pytest.mark.parametrize("packed", [True, False])
def test_images_and_shapes_come_out_as_they_went_in(tmp_path, images, packed):
    arrays = {"imgs_packed": np.packbits(images, axis=2)} if packed else {"imgs": images}
    path = write(tmp_path / "d.npz", images, **arrays)
    source = dsprites_source(path, tmp_path / "raw", seed=0, most=(30, None))
    assert source.x_train.shape == (30, 64, 64, 1)
    assert len(source.x_test) == 9
    for part in ("train", "test"):
        index = getattr(source, f"index_{part}")
        assert (getattr(source, f"x_{part}")[..., 0] == 255 * images[index]).all()
        assert (getattr(source, f"y_{part}") == index % 3).all()
    assert np.bincount(source.y_train).tolist() == [10, 10, 10]
    assert not set(source.index_train) & set(source.index_test)


def test_images_are_mapped_and_not_read(tmp_path, images):
    path = write(tmp_path / "d.npz", images, imgs=images)
    assert isinstance(_mapped(path, tmp_path / "raw"), np.memmap)


def test_another_file_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", x_train=np.zeros(3))
    with pytest.raises(DataError, match="expected the file of dSprites"):
        dsprites_source(tmp_path / "other.npz", tmp_path, 0, (None, None))
    with pytest.raises(DataError, match="does not exist"):
        dsprites_source(tmp_path / "none.npz", tmp_path, 0, (None, None))
