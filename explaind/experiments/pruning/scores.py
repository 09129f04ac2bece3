"""How much each parameter matters, by several scores; all see the same scoring samples."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.history.layout import ParameterLayout
from explaind.kernel.path_kernel import PathKernel
from explaind.trees import LossFunction


def influence_scores(
    kernel: PathKernel, x: Tensor, y: Tensor, scored: Sequence[np.ndarray], block: int
) -> dict[str, Float[Tensor, "split param"]]:
    """Score parameters by the data influence through them, `sum over samples and outputs of |.|`.

    Args:
        kernel: the path kernel of the run.
        x: validation inputs, sample first.
        y: their targets.
        scored: rows of the samples that count, for every split.
        block: samples worked on in a block.

    Returns:
        `influence`: of the influence of the whole training, so that contributions of opposite sign
        at different steps cancel, as in the paper; `influence per step`: they do not. All
        outputs of the model count; nat, float64, on the CPU.
    """
    counts = torch.zeros(len(scored), len(y), dtype=torch.float64)
    for split, chosen in enumerate(scored):
        counts[split, chosen] = 1
    net = torch.zeros(len(scored), kernel.history.layout.size, dtype=torch.float64)
    absolute = net.clone()
    for start in range(0, len(y), block):
        rows = slice(start, start + block)
        parts = kernel.parameter_influence(x[rows], y[rows])
        net += counts[:, rows] @ torch.from_numpy(np.abs(parts["net"].values).sum(1))
        absolute += counts[:, rows] @ torch.from_numpy(parts["absolute"].values.sum(1))
    return {"influence": net, "influence per step": absolute}


def magnitude_scores(model: nn.Module, layout: ParameterLayout) -> Float[Tensor, " param"]:
    """Return the absolute value of each parameter as its score."""
    return layout.flatten(dict(model.named_parameters())).abs()


def taylor_scores(
    model: nn.Module,
    layout: ParameterLayout,
    loss_fn: LossFunction,
    x: Tensor,
    y: Tensor,
    block: int,
) -> Float[Tensor, " param"]:
    """Score parameters by how much the mean loss changes without them, to first order.

    `|theta_p dL/dtheta_p|`: the Taylor criterion of Molchanov et al. (2017) for single parameters,
    and up to scale the connection sensitivity of SNIP (Lee et al., 2019).

    Args:
        model: the trained model.
        layout: order of the parameters.
        loss_fn: loss of each sample.
        x: inputs of the scoring samples.
        y: their targets.
        block: samples worked on in a block.

    Returns:
        Scores, nat.
    """
    parameters = {slot.name: model.get_parameter(slot.name) for slot in layout.slots}
    theta = layout.flatten(parameters)
    gradient = torch.zeros_like(theta)
    for start in range(0, len(y), block):
        rows = slice(start, start + block)
        loss = loss_fn(model(x[rows]), y[rows]).sum() / len(y)
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        gradient += layout.flatten(dict(zip(parameters, gradients, strict=True)))
    return (gradient * theta).abs()


def random_scores(layout: ParameterLayout, seed: int) -> Float[Tensor, " param"]:
    """Return seeded uniform random numbers as scores."""
    return torch.rand(layout.size, generator=torch.Generator().manual_seed(seed))
