"""Per-sample training losses by name."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional


def nll(output: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood `[batch]` of log-probabilities `[batch, class]`, in nat."""
    return functional.nll_loss(output, target, reduction="none")


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood `[batch]` of logits (or log-probabilities) `[batch, class]`, nat."""
    return functional.cross_entropy(output, target, reduction="none")


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "nll": nll,
    "cross_entropy": cross_entropy,
}
