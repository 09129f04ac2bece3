"""Mirrored images: a function of seed, epoch and sample."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from explaind.config.training import Training
from explaind.data.augmentation import RandomHorizontalFlip, build_augmentation

PER_EPOCH = 3


def one(seed, epoch, sample):
    """The bit of one sample alone: the first word that Philox gives at its place."""
    generator = np.random.Philox(key=[seed, epoch])
    generator.advance(sample // 4)  # a count makes four words
    return bool(generator.random_raw(4)[sample % 4] >> np.uint64(63))


@given(
    seed=st.integers(0, 2**32),
    step=st.integers(0, 40),
    index=st.lists(st.integers(0, 60), min_size=1, max_size=9),
)
def test_each_image_follows_its_own_bit_whatever_the_batch(seed, step, index):
    x = torch.arange(len(index) * 12.0).view(-1, 2, 2, 3)
    found = RandomHorizontalFlip(seed, PER_EPOCH)(x, torch.tensor(index), step)
    for row, image, sample in zip(found, x, index, strict=True):
        columns = [2, 1, 0] if one(seed, step // PER_EPOCH, sample) else [0, 1, 2]
        assert torch.equal(row, image[..., columns])


def test_half_of_the_images_in_every_epoch_others_each_time():
    flip = RandomHorizontalFlip(5, PER_EPOCH)
    epochs = torch.stack([flip.mirrored(torch.arange(4000), epoch) for epoch in range(4)]).double()
    assert (epochs.mean(1) - 0.5).abs().max() < 0.03
    assert torch.corrcoef(epochs).fill_diagonal_(0.0).abs().max() < 0.06
    assert not torch.equal(epochs[0], RandomHorizontalFlip(6, 3).mirrored(torch.arange(4000), 0))


def test_a_run_without_augmentation_has_none():
    assert build_augmentation(Training(), 10) is None


def test_epochs_follow_the_batch_size():
    settings = Training(augmentation="horizontal_flip", batch_size=4, seed=8)
    built, x, index = build_augmentation(settings, 10), torch.randn(7, 1, 2, 3), torch.arange(7)
    for step in (0, 2, 3, 5, 6):
        assert torch.equal(built(x, index, step), RandomHorizontalFlip(8, 3)(x, index, step))
