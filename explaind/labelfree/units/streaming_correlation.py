"""Pearson correlations of variables that never lie in memory together."""

import torch
from jaxtyping import Float
from torch import Tensor


class StreamingCorrelation:
    """Means and co-moments of variables, updated block by block (Chan et al., 1983), in float64.

    Memory is that of a block, however many values there are in all; sums of squares are those of
    deviations from the mean, so that nothing cancels.

    Args:
        variables: number of variables.
    """

    def __init__(self, variables: int) -> None:
        self.count = 0
        self.mean = torch.zeros(variables, dtype=torch.float64)
        self.comoment = torch.zeros(variables, variables, dtype=torch.float64)

    def add(self, values: Float[Tensor, "variable value"]) -> None:
        """Take in more values of every variable."""
        block = values.detach().cpu().double()
        count, mean = block.shape[1], block.mean(1)
        deviations = block - mean[:, None]
        difference = mean - self.mean
        total = self.count + count
        shift = self.count * count / total
        self.comoment += deviations @ deviations.T + shift * torch.outer(difference, difference)
        self.mean += difference * count / total
        self.count = total

    def correlations(self) -> Float[Tensor, "variable variable"]:
        """Return the correlation of each pair; NaN of a variable that is constant."""
        deviation = self.comoment.diagonal().sqrt()
        return self.comoment / torch.outer(deviation, deviation)
