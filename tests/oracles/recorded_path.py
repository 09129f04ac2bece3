"""A training that keeps everything: all parameters, one gradient per training sample and step."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tests.oracles.dense_midpoint import flat_gradient
from tests.oracles.optimizer_map import OptimizerMap, optimizer_map, with_groups

LossFunction = Callable[[Tensor, Tensor], Tensor]
Penalty = Callable[[Mapping[str, Tensor]], Tensor]
Augmentation = Callable[[Tensor, Tensor, int], Tensor]
Weighing = Callable[[Sequence[int]], Sequence[float]]
SchedulerFactory = Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler]


@dataclass(frozen=True)
class Step:
    """Everything known about one optimizer step."""

    batch: tuple[int, ...]
    sample_gradients: Float[Tensor, "batch param"]
    """Gradient of weight times loss of each sample, times the clipping factor."""
    penalty_gradient: Float[Tensor, " param"]
    """Gradient of the explicit penalty, times the clipping factor."""
    map: OptimizerMap


@dataclass(frozen=True)
class Path:
    """A finished training: parameters before each step and after the last one, and the steps."""

    model: nn.Module
    tensors: dict[str, slice]
    """Range of every trained tensor in the flat parameter vector."""
    train_size: int
    parameters: list[Float[Tensor, " param"]]
    steps: list[Step]

    def trained(self) -> list[nn.Parameter]:
        """The trained tensors of the model, in the order of the flat vector."""
        by_name = dict(self.model.named_parameters())
        return [by_name[name] for name in self.tensors]


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_fn: LossFunction,
    data: tuple[Tensor, Tensor],
    batches: Sequence[Sequence[int]],
    *,
    scheduler: SchedulerFactory | None = None,
    max_norm: float | None = None,
    penalty: Penalty | None = None,
    reduction: str = "mean",
    augment: Augmentation | None = None,
    weigh: Weighing | None = None,
) -> Path:
    """Train ``model`` on the given batches of sample indices and keep the whole path.

    Args:
        loss_fn: Maps (model output, target) to one loss per sample.
        scheduler: Makes a learning-rate scheduler, stepped after every optimizer step.
        max_norm: Clip the norm of the whole gradient to this value before the step.
        penalty: Maps the parameters by name to a number added to the loss of every batch.
        reduction: ``"mean"`` or ``"sum"`` of the losses of a batch.
        augment: Maps (inputs, sample indices, step) to the inputs of the step.
        weigh: Maps the sample indices of a batch to the weights of their losses, in place of the
            reduction.
    """
    tensors = _trained_tensors(model, optimizer)
    trained = [parameter for parameter, _, _ in with_groups(model, optimizer)]
    schedule = scheduler(optimizer) if scheduler else None
    path = Path(model, tensors, len(data[0]), [_values(trained)], [])
    for number, batch in enumerate(batches):
        weights = weigh(batch) if weigh else [1.0 / len(batch) if reduction == "mean" else 1.0]
        weight = torch.tensor(weights, dtype=torch.float64).expand(len(batch))
        x, y = data[0][batch], data[1][batch]
        if augment:
            x = augment(x, torch.tensor(batch), number)
        losses = (loss_fn(model(x[i : i + 1]), y[i : i + 1]).sum() for i in range(len(batch)))
        gradients = weight[:, None] * torch.stack([flat_gradient(loss, trained) for loss in losses])
        extra = torch.zeros_like(gradients[0])
        if penalty:
            extra = flat_gradient(penalty(dict(model.named_parameters())), trained)
        options = {"penalty": penalty, "max_norm": max_norm, "weight": weight}
        clip = _backward(model, optimizer, loss_fn, x, y, **options)
        began = [not optimizer.state.get(parameter) for parameter in trained]
        optimizer.step()
        step_map = optimizer_map(model, optimizer, began)
        path.steps.append(Step(tuple(batch), clip * gradients, clip * extra, step_map))
        path.parameters.append(_values(trained))
        if schedule:
            schedule.step()
    return Path(copy.deepcopy(model), tensors, path.train_size, path.parameters, path.steps)


def _backward(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_fn: LossFunction,
    x: Tensor,
    y: Tensor,
    *,
    penalty: Penalty | None,
    max_norm: float | None,
    weight: Float[Tensor, " batch"],
) -> float:
    """Leave the gradient of the batch in ``.grad``, as a user would; return the clipping factor."""
    optimizer.zero_grad()
    loss = weight @ loss_fn(model(x), y)
    if penalty:
        loss = loss + penalty(dict(model.named_parameters()))
    loss.backward()
    if max_norm is None:
        return 1.0
    parameters = [parameter for parameter, _, _ in with_groups(model, optimizer)]
    norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
    return min(1.0, max_norm / (float(norm) + 1e-6))


def _trained_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, slice]:
    spans, start = {}, 0
    for parameter, _, name in with_groups(model, optimizer):
        spans[name] = slice(start, start + parameter.numel())
        start += parameter.numel()
    return spans


def _values(parameters: Sequence[Tensor]) -> Float[Tensor, " param"]:
    return torch.cat([parameter.detach().flatten().clone() for parameter in parameters])
