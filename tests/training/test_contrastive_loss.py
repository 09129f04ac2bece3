"""NT-Xent against a loop over views, float64."""

import math

import torch
from torch import nn

from explaind.training.contrastive_loss import nt_xent


def test_nt_xent_equals_the_loop_over_views():
    projections = torch.randn(4, 2, 6).double()
    views = [*projections[:, 0], *projections[:, 1]]
    losses = []
    for i, own in enumerate(views):
        terms = {
            j: math.exp(float(own @ other / own.norm() / other.norm()) / 0.2)
            for j, other in enumerate(views)
            if j != i
        }
        losses.append(-math.log(terms[(i + 4) % 8] / sum(terms.values())))
    expected = [(losses[i] + losses[i + 4]) / 2 for i in range(4)]
    torch.testing.assert_close(nt_xent(projections, 0.2), torch.tensor(expected).double())


def test_opposite_images_still_have_gradients():
    """A clamp of negative cosines would take them."""
    first, second = (
        torch.tensor([[1.0, 0.1], [-1.0, 0.1]]),
        torch.tensor([[1.0, -0.2], [-0.9, 0.1]]),
    )
    projections = torch.stack([first, second], 1).requires_grad_()
    (gradient,) = torch.autograd.grad(nt_xent(projections, 0.5).sum(), projections)
    cosines = nn.functional.cosine_similarity(first[:1], first[1:])
    assert cosines < 0
    assert (gradient.norm(dim=2) > 0).all()
