"""A training that keeps everything: all parameters, one gradient per training sample and step."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tests.oracles.optimizer_map import OptimizerMap, optimizer_map, with_groups

LossFunction = Callable[[Tensor, Tensor], Tensor]
Penalty = Callable[[Mapping[str, Tensor]], Tensor]
Augmentation = Callable[[Tensor, Tensor, int], Tensor]
Weighing = Callable[[Sequence[int]], Sequence[float]]
LossOf = Callable[[int, int], Tensor]
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

    def loss_of(sample: int, step: int) -> Tensor:
        x, y = data[0][sample : sample + 1], data[1][sample : sample + 1]
        if augment:
            x = augment(x, torch.tensor([sample]), step)
        return loss_fn(model(x), y).sum()

    def weighed(batch: Sequence[int]) -> list[tuple[int, float]]:
        uniform = [1.0 / len(batch) if reduction == "mean" else 1.0] * len(batch)
        return list(zip(batch, weigh(batch) if weigh else uniform, strict=True))

    steps = [weighed(batch) for batch in batches]
    return replay(
        model,
        optimizer,
        loss_of,
        len(data[0]),
        steps,
        scheduler=scheduler,
        max_norm=max_norm,
        penalty=penalty,
    )


def replay(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_of: LossOf,
    train_size: int,
    steps: Sequence[Sequence[tuple[int, float]]],
    *,
    scheduler: SchedulerFactory | None = None,
    max_norm: float | None = None,
    penalty: Penalty | None = None,
) -> Path:
    """Take steps along weighted sums of the gradients of samples, each differentiated alone.

    Args:
        loss_of: Maps (sample index, step) to the loss of the sample at the present parameters.
        train_size: Number of training samples.
        steps: The samples of every step and the weights of their losses.
        scheduler: As in :func:`train`, and so are ``max_norm`` and ``penalty``.
    """
    tensors = _trained_tensors(model, optimizer)
    trained = [parameter for parameter, _, _ in with_groups(model, optimizer)]
    schedule = scheduler(optimizer) if scheduler else None
    path = Path(model, tensors, train_size, [_values(trained)], [])
    for number, weighed in enumerate(steps):
        found = [_gradients(loss_of(sample, number), trained) for sample, _ in weighed]
        extra = _gradients(penalty(dict(model.named_parameters())), trained) if penalty else None
        weights = torch.tensor([weight for _, weight in weighed], dtype=torch.float64)
        gradients = weights[:, None] * torch.stack([_flat(one, trained) for one in found])
        rest = _flat(extra, trained) if extra else torch.zeros_like(gradients[0])
        used = [any(g is not None for g in by_sample) for by_sample in zip(*found, strict=True)]
        if extra:
            used = [u or g is not None for u, g in zip(used, extra, strict=True)]
        clip = _put(gradients.sum(0) + rest, used, trained, max_norm)
        earlier = [copy.deepcopy(optimizer.state.get(parameter, {})) for parameter in trained]
        optimizer.step()
        step_map = optimizer_map(model, optimizer, earlier)
        batch = tuple(sample for sample, _ in weighed)
        path.steps.append(Step(batch, clip * gradients, clip * rest, step_map))
        path.parameters.append(_values(trained))
        if schedule:
            schedule.step()
    # a weight that a layer makes of others before each call (pruning) has a graph: not copied whole
    held = [value for module in model.modules() for value in vars(module).values()]
    made = {id(t): t.detach() for t in held if isinstance(t, Tensor) and not t.is_leaf}
    kept = copy.deepcopy(model, made)
    return Path(kept, tensors, path.train_size, path.parameters, path.steps)


def _gradients(scalar: Tensor, trained: Sequence[nn.Parameter]) -> list[Tensor | None]:
    """Gradient by each tensor; None for those that the number does not depend on."""
    return list(torch.autograd.grad(scalar, list(trained), allow_unused=True))


def _flat(gradients: Sequence[Tensor | None], trained: Sequence[nn.Parameter]) -> Tensor:
    pairs = zip(gradients, trained, strict=True)
    dense = [torch.zeros_like(p) if g is None else g.to_dense() for g, p in pairs]
    return torch.cat([gradient.detach().flatten() for gradient in dense])


def _put(
    flat: Tensor, used: Sequence[bool], trained: Sequence[nn.Parameter], max_norm: float | None
) -> float:
    """Leave a gradient in ``.grad``, None of tensors not used; return the clipping factor."""
    pieces = flat.split([parameter.numel() for parameter in trained])
    for parameter, piece, is_used in zip(trained, pieces, used, strict=True):
        parameter.grad = piece.clone().view_as(parameter) if is_used else None
    if max_norm is None:
        return 1.0
    norm = torch.nn.utils.clip_grad_norm_(trained, max_norm)
    return min(1.0, max_norm / (float(norm) + 1e-6))


def _trained_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, slice]:
    spans, start = {}, 0
    for parameter, _, name in with_groups(model, optimizer):
        spans[name] = slice(start, start + parameter.numel())
        start += parameter.numel()
    return spans


def _values(parameters: Sequence[Tensor]) -> Float[Tensor, " param"]:
    return torch.cat([parameter.detach().flatten().clone() for parameter in parameters])
