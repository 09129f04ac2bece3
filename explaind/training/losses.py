"""Per-sample training losses by name."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional


def nll(output: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood `[batch]` of log-probabilities `[batch, class]`, in nat."""
    return functional.nll_loss(output, target, reduction="none")


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"nll": nll}
