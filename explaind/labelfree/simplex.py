"""SimplEx: the representation of a sample as a mixture of those of training samples.

With more training samples than units the weights of the best mixture are not unique, and a descent
stops at those that its start, its rate and its number of steps led to. The weights here are unique:
of nearly best mixtures the most even one,

    min_w  ||f(x) - sum_n w_n f(x_n)||^2 + 2 evenness V KL(w || uniform),

with V the mean squared distance of the training representations from their mean.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.errors import UnsupportedError
from explaind.labelfree.encoding import MEMORY
from explaind.labelfree.representations import Representations
from explaind.trees import Inputs, Targets

TOLERANCE = 1e-9
MOST_STEPS, MOST_HALVINGS = 200, 40
SUFFICIENT = 1e-4  # Armijo's rule


@dataclass(frozen=True)
class Mixtures:
    """What SimplEx finds.

    Attributes:
        weights: weights of the training samples, at least 0, of sum 1 for each test sample.
        residual: `||f(x) - sum_n w_n f(x_n)||^2 / V`, a fraction.
    """

    weights: Float[np.ndarray, "test train"]
    residual: Float[np.ndarray, " test"]


class SimplEx(Representations):
    """SimplEx (Crabbe et al., 2021), converged.

    Args:
        encoder: see `Representations`.
        x_train: inputs of the training samples.
        evenness: what evenness is worth; the residual grows with it.
        memory: bytes that the pass of one batch may hold, and the test samples that are mixed at
            once; at least one is.
    """

    def __init__(
        self, encoder: nn.Module, x_train: Inputs, evenness: float = 1e-4, memory: int = MEMORY
    ) -> None:
        super().__init__(encoder, x_train, memory)
        self._evenness = evenness

    def scores(self, x: Inputs, targets: Targets = None) -> Float[np.ndarray, "test train"]:
        """Return the weights of the training samples in the mixture.

        Args:
            x: inputs to explain.
            targets: not used.

        Returns:
            The weights, at least 0, of sum 1 for each input.
        """
        return self.mixtures(x).weights

    def mixtures(self, x: Inputs) -> Mixtures:
        """Return the weights, and what the mixtures leave over.

        Args:
            x: inputs to explain.

        Returns:
            The mixtures; one that cannot be found is an `UnsupportedError`.
        """
        centre = self.train.mean(0)
        scale = (self.train - centre).square().sum(1).mean().sqrt()
        train, test = (self.train - centre) / scale, (self.of(x) - centre) / scale
        count, units = train.shape
        each = train.element_size() * (count * (units + 4) + 3 * units**2)  # of a Newton step
        parts = torch.split(test, max(1, self._memory // each))
        weights = torch.cat([most_even_mixture(part, train, self._evenness) for part in parts])
        residual = (test - weights @ train).square().sum(1)
        return Mixtures(weights.cpu().numpy(), residual.cpu().numpy())


@dataclass(frozen=True)
class Dual:
    """The dual of finding a mixture, `log sum exp(F l) - <l, t> + evenness ||l||^2 / 2`.

    It is strictly convex in `l`, one number for each unit; the weights are `softmax(F l)`.

    Attributes:
        test: representations `t`.
        train: representations of the training samples, the rows of F.
        evenness: what evenness is worth.
    """

    test: Float[Tensor, "test unit"]
    train: Float[Tensor, "train unit"]
    evenness: float

    def weights(self, at: Float[Tensor, "test unit"]) -> Float[Tensor, "test train"]:
        """Return the weights at some `l`."""
        return (at @ self.train.T).softmax(1)

    def value(self, at: Float[Tensor, "test unit"]) -> Float[Tensor, " test"]:
        """Return the value at some `l`."""
        quadratic = self.evenness / 2 * at.square().sum(1)
        return (at @ self.train.T).logsumexp(1) - (at * self.test).sum(1) + quadratic

    def gradient(self, at: Float[Tensor, "test unit"]) -> Float[Tensor, "test unit"]:
        """Return the gradient at some `l`."""
        return self.weights(at) @ self.train - self.test + self.evenness * at

    def newton_step(
        self, at: Float[Tensor, "test unit"], gradient: Float[Tensor, "test unit"]
    ) -> Float[Tensor, "test unit"]:
        """Return the step of Newton's method, of a length at which every value falls."""
        weights = self.weights(at)
        mean = weights @ self.train
        second = torch.einsum("tn,ni,nj->tij", weights, self.train, self.train)
        ridge = self.evenness * torch.eye(mean.shape[1]).to(mean)
        step = -torch.linalg.solve(second - mean[:, :, None] * mean[:, None] + ridge, gradient)
        value, slope, length = self.value(at), (gradient * step).sum(1), at.new_ones(len(at))
        rounding = 1e-14 * (1 + value.abs())
        for _ in range(MOST_HALVINGS):
            trial = self.value(at + length[:, None] * step)
            falls = trial <= value + SUFFICIENT * length * slope + rounding
            length = torch.where(falls, length, length / 2)
            if bool(falls.all()):
                break
        shortened: Tensor = length[:, None] * step
        return shortened


def most_even_mixture(
    test: Float[Tensor, "test unit"], train: Float[Tensor, "train unit"], evenness: float
) -> Float[Tensor, "test train"]:
    """Solve `min_w ||t - sum_n w_n f_n||^2 / 2 + evenness KL(w || uniform)` over the simplex.

    Evenness falls to its value in stages, each of which starts where the one before ended.

    Args:
        test: representations `t`, of a size about 1.
        train: representations `f_n`.
        evenness: what evenness is worth.

    Returns:
        The weights.

    Raises:
        UnsupportedError: if Newton's method does not converge.
    """
    at = torch.zeros_like(test)
    for stage in [*(10.0**-p for p in range(16) if 10.0**-p > evenness), evenness]:
        dual = Dual(test, train, stage)
        for _ in range(MOST_STEPS):
            gradient = dual.gradient(at)
            open_ = gradient.norm(dim=1) > TOLERANCE  # others stay, as if they were alone
            if not bool(open_.any()):
                break
            at[open_] += Dual(test[open_], train, stage).newton_step(at[open_], gradient[open_])
        else:
            raise UnsupportedError(
                f"SimplEx: expected a gradient of at most {TOLERANCE} in {MOST_STEPS} steps, got"
                f" {float(dual.gradient(at).norm(dim=1).max()):.1e}. Take a larger evenness."
            )
    return dual.weights(at)
