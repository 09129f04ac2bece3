"""Metrics of the maps of units: planted overlaps, and each against its definition by loops."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from explaind.labelfree.units.overlap import Overlap, UnitOverlap


def overlap(maps, block=3):
    measured = UnitOverlap(maps.shape[1], len(maps) * maps.shape[2] * maps.shape[3])
    for part in maps.split(block):
        measured.add(part)
    return measured.metrics()


@pytest.fixture
def maps():
    drawn = torch.rand(10, 3, 4, 5)
    drawn[:, :, 0] = 0  # pixels of no importance, and ties
    return drawn


def test_each_metric_equals_its_definition(maps):
    pooled = maps.transpose(0, 1).flatten(1).numpy().astype(np.float64)
    pairs = [(0, 1), (0, 2), (1, 2)]
    found = overlap(maps)
    expected = np.mean([stats.pearsonr(pooled[a], pooled[b]).statistic for a, b in pairs])
    assert found.pearson == pytest.approx(expected, abs=1e-6)
    expected = np.mean([stats.spearmanr(pooled[a], pooled[b]).statistic for a, b in pairs])
    assert found.spearman == pytest.approx(expected, abs=1e-6)
    flat = maps.flatten(2).double()
    cosines = [torch.cosine_similarity(image[a], image[b], 0) for image in flat for a, b in pairs]
    assert found.cosine == pytest.approx(np.mean(cosines), abs=1e-6)
    entropies, above = [], []
    for pixel in pooled.T:
        if pixel.sum() > 0:
            shares = pixel / pixel.sum()
            entropies.append(-sum(p * math.log(p) for p in shares if p > 0))
            above.append(sum(shares > 1 / 3))
    assert found.entropy == pytest.approx(np.mean(entropies), abs=1e-6)
    assert found.active_units == pytest.approx(np.mean(above), abs=1e-6)


def test_blocks_change_nothing(maps):
    np.testing.assert_allclose(overlap(maps, 10), overlap(maps, 1), atol=1e-9)


def test_a_known_correlation_is_found():
    first, noise = torch.randn(2, 200, 20, 20)
    second = 0.6 * first + 0.8 * noise
    maps = torch.stack([first, second], 1) + 10  # no negative map
    assert overlap(maps).pearson == pytest.approx(0.6, abs=0.01)


def test_units_that_share_all_and_units_that_share_nothing():
    one = torch.rand(4, 1, 6, 6) + 0.1
    same = overlap(one.repeat(1, 2, 1, 1))
    assert same.pearson == pytest.approx(1)
    assert same.cosine == pytest.approx(1)
    assert same.entropy == pytest.approx(math.log(2))
    assert same.active_units == 0  # none has more than an equal share
    apart = torch.zeros(4, 2, 6, 6)
    apart[:, 0, :3], apart[:, 1, 3:] = one[:, 0, :3], one[:, 0, 3:]
    split = overlap(apart)
    assert split.pearson < 0
    assert (split.cosine, split.entropy, split.active_units) == (0, 0, 1)


def test_ranks_of_very_many_pixels_are_those_of_some(maps, monkeypatch):
    monkeypatch.setattr("explaind.labelfree.units.overlap.RANKED", 50)  # of 200
    measured = UnitOverlap(3, maps.shape[0] * 20)
    for part in maps.split(3):  # 60 pixels, which 4 divides, and then with an offset
        measured.add(part)
    kept = torch.cat(measured.ranked, 1)
    pooled = maps.transpose(0, 1).flatten(1)
    assert torch.equal(kept, pooled[:, ::4])
    assert measured.metrics().pearson == pytest.approx(overlap(maps).pearson)


@pytest.mark.parametrize("units", [0, 1])
def test_no_pair_has_no_overlap(units):
    found = overlap(torch.rand(4, units, 3, 3))
    assert all(math.isnan(found[number]) for number in range(3))
    assert isinstance(found, Overlap)
