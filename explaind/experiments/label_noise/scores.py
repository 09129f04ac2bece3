"""Scores of the training samples of a run by which flipped labels may be found."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from explaind.data.load import LoadedDataset
from explaind.history.layout import ParameterLayout
from explaind.kernel.functionals import ModelFunction
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.kernel.path_kernel import PathKernel
from explaind.trees import LossFunction

Scores = dict[str, Float[np.ndarray, " ranked"]]

LIMIT = 2**26
"""Most numbers of per-sample gradients held at once."""


def explained_scores(
    kernel: PathKernel,
    data: LoadedDataset,
    ranked: Int[np.ndarray, " ranked"],
    held_out: int | None,
    block: int,
) -> Scores:
    """Score training samples by their influence on the log-probability of the target.

    Args:
        kernel: the path kernel of the run.
        data: the dataset trained on.
        ranked: the training samples that are scored.
        held_out: number of validation samples, the first ones; None = all.
        block: samples explained in a block.

    Returns:
        `self_influence`, of each sample on itself, and `held_out_influence`, the sum over the
        validation samples; nat, positive = pushed the log-probability up, float64.
    """
    validation = slice(held_out)
    x = torch.cat([data.x_train[ranked], data.x_validation[validation]])
    y = torch.cat([data.y_train[ranked], data.y_validation[validation]])
    scores = {name: np.zeros(len(ranked)) for name in ("self_influence", "held_out_influence")}
    for start in range(0, len(y), block):
        rows = np.arange(start, min(start + block, len(y)))
        explained = kernel.explain(x[rows], y[rows], keep=("influence",), block=block)
        influence = explained["influence"].values[:, 0, ranked].astype(np.float64)
        own = rows[rows < len(ranked)]
        scores["self_influence"][own] = influence[own - start, own]
        scores["held_out_influence"] += influence[rows >= len(ranked)].sum(0)
    return scores


def final_scores(
    model: nn.Module,
    layout: ParameterLayout,
    loss_fn: LossFunction,
    samples: tuple[Tensor, Tensor],
    block: int,
) -> Scores:
    """Score samples by what the trained network makes of them.

    Args:
        model: the trained network.
        layout: order of its parameters.
        loss_fn: loss of each sample.
        samples: inputs and targets, on the device of the model.
        block: samples worked on in a block.

    Returns:
        `loss`, nat, and `gradient_norm`, the L2 norm of its gradient with respect to all trained
        parameters, nat per unit of the parameters; float64.
    """
    theta = layout.flatten(dict(model.named_parameters())).detach()
    function = ModelFunction(model, dict(model.named_buffers()), loss_fn)
    gradients = PerSampleGradients(function, layout)
    losses, norms = [], []
    for x, y in zip(*(torch.split(part, block) for part in samples), strict=True):
        squares = theta.new_zeros(len(y), dtype=torch.float64)
        for _, rows, gradient in gradients(theta, x, y, limit=LIMIT):
            squares[rows] += gradient[:, 0].double().square().sum(1)
        norms.append(squares.sqrt())
        losses.append(function(layout.unflatten(theta), x, y).detach().double())
    return {
        "loss": torch.cat(losses).cpu().numpy(),
        "gradient_norm": torch.cat(norms).cpu().numpy(),
    }
