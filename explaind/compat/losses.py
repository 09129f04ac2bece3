"""The losses of the published package, whole and sample by sample."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from explaind.errors import UnsupportedError
from explaind.trees import LossFunction, Penalty


class RegularizedCrossEntropyLoss(nn.Module):
    """Mean negative log-likelihood of log-probabilities, plus `alpha` times norms of parameters.

        loss = -mean_i output[i, target_i] + alpha sum_t ||theta_t||_p

    Args:
        alpha: weight of the norms.
        p: order of the norms.
        device: no effect; the loss is where the output is.
    """

    def __init__(self, alpha: float = 0.1, p: float = 2.0, device: object = None) -> None:
        super().__init__()
        self.alpha, self.p = alpha, p

    def forward(
        self,
        output: Tensor,
        target: Tensor,
        params: Iterable[Tensor] = (),
        output_reg: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Return the loss.

        Args:
            output: log-probabilities, `[sample, class]`.
            target: classes, `[sample]`.
            params: tensors whose norms are added.
            output_reg: return the sum of the norms, too.

        Returns:
            The loss, or the pair of the loss and the sum of the norms.
        """
        loss = nn.functional.nll_loss(output, target)
        norms = self.norms(params).to(loss.device)
        if self.alpha != 0:  # the gradient of a norm at zero is not a number
            loss = loss + self.alpha * norms
        return (loss, norms) if output_reg else loss

    def norms(self, params: Iterable[Tensor]) -> Tensor:
        """Return the sum of the norms of some tensors."""
        return sum((torch.linalg.vector_norm(p, self.p) for p in params), torch.zeros(()))


@dataclass(frozen=True)
class TrainingLoss:
    """A loss as the engine takes it.

    Attributes:
        per_sample: `(output, targets) -> [sample]`.
        penalty: what is added as a function of the parameters; None = nothing.
        total: `(output, targets) -> scalar`, without the penalty.
    """

    per_sample: LossFunction
    penalty: Penalty | None
    total: LossFunction

    @classmethod
    def of(cls, loss_fn: nn.Module) -> "TrainingLoss":
        """Take a loss apart.

        Args:
            loss_fn: `RegularizedCrossEntropyLoss`, `nn.NLLLoss`, `nn.CrossEntropyLoss`,
                `nn.MSELoss` or another loss of torch with a `reduction`; that of a sample is the
                mean of its numbers.

        Returns:
            Its parts.

        Raises:
            UnsupportedError: for any other loss.
        """
        if isinstance(loss_fn, RegularizedCrossEntropyLoss):
            plain, norms, alpha = nn.NLLLoss(), loss_fn.norms, loss_fn.alpha
            penalty = None if alpha == 0 else lambda named: alpha * norms(named.values())
            return cls(nn.NLLLoss(reduction="none"), penalty, plain)
        if isinstance(loss_fn, nn.modules.loss._Loss) and loss_fn.reduction == "mean":
            return cls(_by_sample(loss_fn), None, loss_fn)
        raise UnsupportedError(
            f"loss_fn: expected RegularizedCrossEntropyLoss or a loss of torch with"
            f" reduction='mean', got {loss_fn}. For any other loss, record with explaind.record."
        )


def _by_sample(loss_fn: nn.modules.loss._Loss) -> LossFunction:
    """Return the loss of each sample, of which a loss of torch is the mean."""
    elements = copy.copy(loss_fn)
    elements.reduction = "none"

    def per_sample(output: Tensor, target: Tensor) -> Tensor:
        losses: Tensor = elements(output, target)
        return losses.flatten(1).mean(1) if losses.dim() > 1 else losses

    return per_sample
