"""What pruning did to a network: its outputs on test samples, and where the zeros are."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional


def output_metrics(
    output: Float[Tensor, "sample class"],
    unpruned: Float[Tensor, "sample class"],
    target: Int[Tensor, " sample"],
) -> dict[str, float]:
    """Compare the outputs of a pruned network with the targets and with the unpruned network.

    Args:
        output: logits or log-probabilities of the pruned network.
        unpruned: those of the unpruned one.
        target: the true classes.

    Returns:
        `accuracy` and `agreement` (with the predictions of the unpruned network), fractions of the
        samples, and `kl`, the mean over the samples of `KL(softmax unpruned || softmax output)`,
        nat.
    """
    predicted = output.argmax(1)
    divergence = functional.kl_div(
        output.double().log_softmax(1),
        unpruned.double().log_softmax(1),
        reduction="batchmean",  # per sample: a plain mean would divide by the classes as well
        log_target=True,
    )
    return {
        "accuracy": float((predicted == target).double().mean()),
        "agreement": float((predicted == unpruned.argmax(1)).double().mean()),
        "kl": float(divergence),
    }


@torch.no_grad()
def zero_fractions(model: nn.Module) -> dict[str, float]:
    """Count the zeros among the parameters.

    Args:
        model: the network.

    Returns:
        `kept`, the fraction of all parameters that is not zero, and `zeros_{tensor}`, that of
        zeros in each tensor.
    """
    named = dict(model.named_parameters())
    zeros = {name: int((tensor == 0).sum()) for name, tensor in named.items()}
    total = sum(tensor.numel() for tensor in named.values())
    fractions = {f"zeros_{name}": zeros[name] / tensor.numel() for name, tensor in named.items()}
    return {"kept": 1 - sum(zeros.values()) / total, **fractions}
