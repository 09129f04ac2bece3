"""As many samples of each class."""

import numpy as np

from explaind.data.interleaved import interleaved_rows


def test_one_of_each_class_follows_on_another_in_the_order_of_the_samples():
    labels = np.array([1, 1, 0, 1, 0, 2])
    assert interleaved_rows(labels, None).tolist() == [2, 0, 5, 4, 1, 3]
    assert interleaved_rows(labels, 3).tolist() == [2, 0, 5]
