"""The bundled digits."""

import numpy as np
from sklearn.datasets import load_digits

from explaind.config.dataset import DigitsDataset
from explaind.data.digits import digits_source
from explaind.data.images import image_dataset


def test_all_images_are_there_once_in_their_order():
    original, found = load_digits(), digits_source()
    images = np.concatenate([found.x_train, found.x_test])[..., 0]
    np.testing.assert_array_equal(images, np.rint(original.images * 255 / 16))
    np.testing.assert_array_equal(np.append(found.y_train, found.y_test), original.target)
    np.testing.assert_array_equal(np.append(found.index_train, found.index_test), np.arange(1797))
    assert found.class_names == tuple("0123456789")


def test_classes_by_name_or_number_are_the_same():
    by_number, by_name = (
        image_dataset(DigitsDataset(classes=classes, train_samples=50), digits_source())
        for classes in ((8, 0), ("8", "0"))
    )
    assert by_number.equals(by_name)
    assert by_number.sizes["train"] == 50
    assert by_number.attrs["class_names"] == ["8", "0"]
    assert by_number.attrs["leaked"] == 0
