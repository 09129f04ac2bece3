"""Perturbations are functions of (seed, step, sample)."""

import numpy as np
import pytest
import torch

from explaind.data.perturbation import GaussianNoise, RandomMask

X = torch.ones(50, 2, 9)
INDEX = torch.arange(50)


@pytest.mark.parametrize(("family", "size"), [(GaussianNoise, 0.3), (RandomMask, 0.2)])
def test_a_sample_is_perturbed_alike_in_any_batch_and_anew_in_every_step(family, size):
    whole = family(7, size)(X, INDEX, 3)
    order = torch.tensor([4, 40, 11])
    assert torch.equal(family(7, size)(X[order], order, 3), whole[order])
    assert not torch.equal(whole[0], whole[1])
    for other in (family(7, size)(X, INDEX, 4), family(8, size)(X, INDEX, 3)):
        assert not torch.equal(other, whole)


def test_the_noise_has_its_deviation():
    noise = GaussianNoise(0, 0.3)(torch.zeros(400, 100), torch.arange(400), 0)
    assert noise.std().item() == pytest.approx(0.3, rel=0.02)  # 40,000 draws: 0.4 % one sigma
    assert noise.mean().item() == pytest.approx(0, abs=0.01)


def test_masked_numbers_are_zero_and_the_others_as_they_were():
    masked = RandomMask(0, 0.2)(5 * torch.ones(400, 100), torch.arange(400), 0)
    assert set(np.unique(masked)) == {0.0, 5.0}
    assert (masked == 0).float().mean().item() == pytest.approx(0.2, abs=0.01)


def test_the_type_of_the_inputs_stays():
    assert GaussianNoise(0, 0.3)(X.double(), INDEX, 0).dtype == torch.float64
