"""Wrong labels: how many, which, seeded."""

from collections import Counter

import numpy as np
import pytest
import torch

from explaind.data.load import LoadedDataset
from explaind.experiments.label_noise.flipped_labels import flip_labels, flipped_labels

LABELS = np.tile([0, 3, 8], 2000)


def test_the_share_of_the_labels_goes_to_another_class():
    noisy, flipped = flipped_labels(LABELS, 0.1, 5)
    assert flipped.sum() == 600
    np.testing.assert_array_equal(flipped, noisy != LABELS)
    assert set(noisy) == {0, 3, 8}


def test_all_other_classes_are_as_likely():
    noisy, flipped = flipped_labels(LABELS, 0.5, 5)
    moves = Counter(zip(LABELS[flipped], noisy[flipped], strict=True))
    assert len(moves) == 6
    assert all(400 < count < 600 for count in moves.values())  # 500 each, deviation about 20


def test_flips_are_seeded_and_leave_the_labels_alone():
    before = LABELS.copy()
    first, again, other = (flipped_labels(LABELS, 0.1, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(LABELS, before)


@pytest.mark.parametrize(("samples", "share", "expected"), [(10, 0.11, 2), (7, 0.01, 1)])
def test_the_number_is_rounded_up(samples, share, expected):
    _, flipped = flipped_labels(np.arange(samples) % 2, share, 0)
    assert flipped.sum() == expected


def test_only_training_labels_change_and_the_checksum_with_them():
    x, y = torch.zeros(8, 2), torch.arange(8) % 2
    data = LoadedDataset(x, y, x, y, 2, "abc")
    first, other = (flip_labels(data, 0.25, seed) for seed in (0, 1))
    assert int((first.data.y_train != y).sum()) == first.flipped.sum() == 2
    assert torch.equal(first.data.y_validation, y)
    assert len({data.sha256, first.data.sha256, other.data.sha256}) == 3
