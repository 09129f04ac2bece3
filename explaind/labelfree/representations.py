"""Importance of training samples by their representations: the nearest, the most aligned."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.labelfree.encoding import MEMORY, encode
from explaind.trees import Inputs, Targets


class Representations:
    """What methods share that look at representations only, and at no targets.

    All is in float64: representations may be nearly equal.

    Args:
        encoder: the encoder `f`, taken in evaluation mode.
        x_train: inputs of the training samples.
        memory: bytes that the pass of one batch may hold.

    Attributes:
        train: representations of the training samples.
    """

    def __init__(self, encoder: nn.Module, x_train: Inputs, memory: int = MEMORY) -> None:
        self._encoder, self._memory = encoder, memory
        self.train = self.of(x_train)

    def of(self, x: Inputs) -> Float[Tensor, "sample unit"]:
        """Return the representations of inputs."""
        return encode(self._encoder, x, self._memory).double()


class DKNN(Representations):
    """Deep k nearest neighbours (Papernot and McDaniel, 2018), of all neighbours and no labels."""

    def scores(self, x: Inputs, targets: Targets = None) -> Float[np.ndarray, "test train"]:
        """Return `1 / ||f(x) - f(x_n)||^2`; infinite where representations are equal.

        Args:
            x: inputs to explain.
            targets: not used.

        Returns:
            The scores, larger = nearer, in units of one over the squared representation.
        """
        exact = "donot_use_mm_for_euclid_dist"  # products would cancel
        distances = torch.cdist(self.of(x), self.train, compute_mode=exact)
        scores: np.ndarray = distances.square().reciprocal().cpu().numpy()
        return scores


class CosineSimilarity(Representations):
    """Cosine of two representations."""

    def scores(self, x: Inputs, targets: Targets = None) -> Float[np.ndarray, "test train"]:
        """Return `<f(x), f(x_n)> / (||f(x)|| ||f(x_n)||)`.

        Args:
            x: inputs to explain.
            targets: not used.

        Returns:
            The scores, from -1 to 1.
        """
        test, train = (nn.functional.normalize(part, dim=1) for part in (self.of(x), self.train))
        scores: np.ndarray = (test @ train.T).cpu().numpy()
        return scores
