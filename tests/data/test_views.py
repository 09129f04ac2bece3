"""Random views of images."""

import pytest
import torch

from explaind.data.views import DRAWN, TwoViews, random_view


def view(images, strength, seed=0):
    numbers = torch.rand(len(images), DRAWN, generator=torch.Generator().manual_seed(seed))
    return random_view(images, numbers, strength)


@pytest.mark.parametrize("channels", [1, 3])
def test_views_are_images_of_the_same_size(channels):
    images = torch.rand(50, channels, 8, 8)
    views = view(images, 0.5)
    assert views.shape == images.shape
    assert views.min() >= 0
    assert views.max() <= 1
    assert torch.equal(views, view(images, 0.5))
    assert not torch.equal(views, view(images, 0.5, seed=1))


def test_every_image_has_numbers_of_its_own():
    views = view(torch.rand(1, 3, 8, 8).repeat(20, 1, 1, 1), 0.5)
    assert len({tuple(one.flatten().tolist()) for one in views}) == 20


def test_without_jitter_constant_images_stay_what_they_are_or_turn_grey():
    colour = torch.tensor([0.8, 0.3, 0.1])
    views = view(colour.view(1, 3, 1, 1).repeat(400, 1, 8, 8), 0.0)
    luma = (colour * torch.tensor([0.299, 0.587, 0.114])).sum()
    grey = (views - luma).abs().amax((1, 2, 3)) < 1e-3
    kept = (views - colour.view(1, 3, 1, 1)).abs().amax((1, 2, 3)) < 1e-3
    assert (grey | kept).all()
    assert 0.1 < grey.float().mean() < 0.3


def test_a_part_of_the_image_is_shown_mirrored_in_half_the_views():
    ramp = torch.linspace(0.2, 0.8, 16).expand(300, 1, 16, 16)
    views = view(ramp, 0.0)
    slope = views[:, 0, 8, -1] - views[:, 0, 8, 0]
    assert 0.4 < (slope < 0).float().mean() < 0.6
    assert slope.abs().max() <= 0.6 + 1e-5
    assert slope.abs().min() > 0.1


def test_two_views_of_a_sample_do_not_depend_on_its_batch():
    images, index = torch.rand(4, 3, 8, 8), torch.arange(4)
    views = TwoViews(seed=1, strength=0.5)
    together = views(images, index, 7)
    assert together.shape == (4, 2, 3, 8, 8)
    assert not torch.equal(together[:, 0], together[:, 1])
    torch.testing.assert_close(views(images[2:3], index[2:3], 7), together[2:3])
    assert not torch.equal(views(images, index, 8), together)
