"""Nearest and most aligned representations."""

import numpy as np
import pytest
import torch
from torch import nn

from explaind.kernel.attributor import Attributor
from explaind.labelfree.representations import DKNN, CosineSimilarity
from tests.labelfree.encoders import ENCODERS, make


@pytest.mark.parametrize("kind", ENCODERS)
def test_scores_are_those_of_the_representations(kind):
    """D26: of representations, not of pixels; D12: of an encoder that draws no noise."""
    encoder, x = make(kind)
    encoder.train()
    nearest, aligned = DKNN(encoder, x), CosineSimilarity(encoder, x)
    assert isinstance(nearest, Attributor)
    assert isinstance(aligned, Attributor)
    encoder.eval()
    f = encoder(x).detach().numpy()
    test = f[:2] + 0.0
    distance = ((test[:, None] - f[None]) ** 2).sum(-1)
    scores = nearest.scores(x[:2])
    far = distance > 1e-20
    np.testing.assert_allclose(scores[far], 1 / distance[far], rtol=1e-9)
    norms = np.linalg.norm(f, axis=1)
    expected = test @ f.T / norms[:2, None] / norms
    np.testing.assert_allclose(aligned.scores(x[:2]), expected, rtol=1e-9)


def test_equal_representations_are_infinitely_near():
    x = torch.eye(3)
    assert np.isinf(np.diag(DKNN(nn.Identity(), x).scores(x))).all()


def test_near_representations_are_told_apart():
    x = torch.tensor([[1000.0], [1000.001], [999.0]], dtype=torch.float64)
    scores = DKNN(nn.Identity(), x).scores(x[:1])[0]
    np.testing.assert_allclose(scores[1:], [1e6, 1], rtol=1e-6)
