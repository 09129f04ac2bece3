"""Blurred images against scipy's filter."""

import numpy as np
import torch
from scipy import ndimage

from explaind.labelfree.blur import gaussian_blur


def test_equals_the_filter_of_scipy():
    images = torch.rand(2, 3, 16, 12).double()
    found = gaussian_blur(images, size=9, sigma=2.0)
    expected = ndimage.gaussian_filter(
        images.numpy(), sigma=(0, 0, 2.0, 2.0), mode="mirror", radius=(0, 0, 4, 4)
    )
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_an_image_is_blurred_alone():
    images = torch.rand(3, 1, 16, 16)
    torch.testing.assert_close(gaussian_blur(images, 5)[1:2], gaussian_blur(images[1:2], 5))
