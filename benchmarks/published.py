"""The published algorithm, written plainly from its description, to measure the engine against.

Forward in time; for every training sample a momentum-averaged gradient (an `N x P` buffer, all of
it touched at every step); for every query the gradient at 100 midpoints of every step, each by
`vmap(grad)`. Two fixes keep it correct: the train axis is in dataset order, and each sample has the
weight of its own batch.
"""

import torch
from torch import Tensor
from torch.func import functional_call, grad, jacrev, vmap

from explaind.history.replay.history import History
from explaind.kernel.functionals import target_logprob
from explaind.training.task import nll
from explaind.trees import LossFunction


def published_influence(
    history: History,
    model: torch.nn.Module,
    train: tuple[Tensor, Tensor],
    queries: tuple[Tensor, Tensor],
    nodes: int = 100,
    all_outputs: bool = False,
    loss_fn: LossFunction = nll,
) -> Tensor:
    """Influence on the target log-probability, for AdamW.

    Args:
        history: the recorded path, in the type of the model.
        model: the model; its type is that of the computation.
        train: training inputs and targets.
        queries: explained inputs and targets.
        nodes: midpoint nodes per step.
        all_outputs: explain every output, as the published code always does.
        loss_fn: the training loss, of each sample.

    Returns:
        `[query, train]`, or `[query output, train]` of all outputs.
    """
    layout = history.layout
    dtype = next(model.parameters()).dtype

    def loss(theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return loss_fn(functional_call(model, layout.unflatten(theta), (x[None],)), y[None])[0]

    def target(theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        output = functional_call(model, layout.unflatten(theta), (x[None],))
        return target_logprob(output, y[None])[0]

    def every(theta: Tensor, x: Tensor, _: Tensor) -> Tensor:
        return functional_call(model, layout.unflatten(theta), (x[None],))[0]

    derivative = jacrev(every) if all_outputs else grad(target)
    train_features = vmap(grad(loss), in_dims=(None, 0, 0))
    query_features = vmap(derivative, in_dims=(None, 0, 0))
    momentum = torch.zeros(len(train[1]), layout.size, dtype=dtype)
    influence = torch.zeros((), dtype=torch.float64)
    for block in history.blocks():
        for step in range(block.start, block.stop):
            theta, move, index = block.theta(step), block.increment(step), history.batch(step)
            mu, nu = history.coefficient("mu", step), history.coefficient("nu", step)
            gradients = train_features(theta, train[0][index], train[1][index])
            momentum *= mu
            momentum[index] += nu * history.sample_weights(step)[:, None] * gradients
            alpha = history.coefficient("alpha", step)
            scale = history.preconditioner(block, step).of_step
            averaged = torch.zeros((), dtype=dtype)
            for node in range(nodes):
                found = query_features(theta + (node + 0.5) / nodes * move, *queries)
                averaged = averaged + found.reshape(-1, layout.size) / nodes
            preconditioned = torch.as_tensor(alpha * scale).to(dtype) * momentum
            influence = influence - (averaged @ preconditioned.T).double()
    return influence
