"""How much the units of an encoder attend to the same pixels: five metrics of their maps.

The maps come in blocks of images and are not kept, so that data sets of any size fit.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from explaind.labelfree.units.streaming_correlation import StreamingCorrelation

RANKED = 2**20
"""Most pixels whose ranks are compared, evenly spaced over all pixels of all images."""


class Overlap(NamedTuple):
    """Metrics of the maps of some units; NaN where they are not defined, as for a single unit.

    Attributes:
        pearson: mean correlation of two units over all pixels of all images.
        spearman: that of the ranks, equal values sharing their mean rank.
        cosine: mean cosine of the maps of two units of one image, over images without empty maps.
        entropy: mean entropy, nat, of how a pixel is shared among the units; pixels with any
            importance.
        active_units: mean number of units that have more than an equal share of such a pixel.
    """

    pearson: float
    spearman: float
    cosine: float
    entropy: float
    active_units: float


class UnitOverlap:
    """The metrics, from maps that are given block by block.

    Args:
        units: number of units.
        pixels: pixels of all maps of a unit: images times pixels of an image.
    """

    def __init__(self, units: int, pixels: int) -> None:
        self.units = units
        self.stride = -(-pixels // RANKED)
        self.seen = 0
        self.values = StreamingCorrelation(units)
        self.ranked: list[Float[Tensor, "unit pixel"]] = []
        self.cosines = torch.zeros(units, units, dtype=torch.float64)
        self.images = self.shared = 0
        self.entropy = self.above = 0.0

    def add(self, maps: Float[Tensor, "image unit h w"]) -> None:
        """Take in the maps of more images, none negative."""
        if not maps.shape[1]:
            return
        flat = maps.detach().flatten(2).double()
        pooled = flat.transpose(0, 1).flatten(1)
        self.values.add(pooled)
        self.ranked.append(pooled[:, -self.seen % self.stride :: self.stride].float())
        self.seen += pooled.shape[1]
        self._add_cosines(flat)
        self._add_shares(pooled)

    def metrics(self) -> Overlap:
        """Return the metrics of all maps so far."""
        if not self.units or not self.seen:
            return Overlap(*(float("nan"),) * 5)
        ranks = StreamingCorrelation(self.units)
        ranks.add(_ranks(torch.cat(self.ranked, dim=1)))
        shared = self.shared or float("nan")
        return Overlap(
            _off_diagonal_mean(self.values.correlations()),
            _off_diagonal_mean(ranks.correlations()),
            _off_diagonal_mean(self.cosines / (self.images or float("nan"))),
            self.entropy / shared,
            self.above / shared,
        )

    def _add_cosines(self, maps: Float[Tensor, "image unit pixel"]) -> None:
        norms = maps.norm(dim=2, keepdim=True)
        whole = (norms > 0).flatten(1).all(1)
        unit_norm = maps[whole] / norms[whole]
        self.cosines += torch.einsum("iup,ivp->uv", unit_norm, unit_norm).cpu()
        self.images += int(whole.sum())

    def _add_shares(self, pooled: Float[Tensor, "unit pixel"]) -> None:
        total = pooled.sum(0)
        shares = pooled[:, total > 0] / total[total > 0]
        self.entropy += float(torch.special.entr(shares).sum())
        self.above += float((shares > 1 / self.units).sum())
        self.shared += shares.shape[1]


def _ranks(values: Float[Tensor, "unit pixel"]) -> Float[Tensor, "unit pixel"]:
    """Rank the values of each row from 0; equal ones share the mean of their ranks."""
    ranks = torch.empty(values.shape, dtype=torch.float64)
    for row, own in zip(ranks, values, strict=True):
        _, place, counts = own.unique(return_inverse=True, return_counts=True)
        last = counts.cumsum(0)
        row.copy_((last - (counts + 1) / 2).double()[place])
    return ranks


def _off_diagonal_mean(matrix: Float[Tensor, "unit unit"]) -> float:
    off = ~torch.eye(len(matrix), dtype=torch.bool)
    return float(matrix[off].mean())  # of nothing it is NaN
