"""Taking recorded steps again: the same module, optimizer and operations as the training loop."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

from explaind.history.forward_passes import ForwardPass
from explaind.history.layout import ParameterLayout
from explaind.history.optimizer_state import load_state_vectors, rebuild, set_options
from explaind.history.random_state import Draws, replayed
from explaind.history.wrappers import computed_tensors
from explaind.trees import (
    Forward,
    Inputs,
    LossFunction,
    Penalty,
    Targets,
    Tree,
    call,
    collated,
    leaves,
    replace_leaves,
)


@dataclass(frozen=True)
class TrainingSetup:
    """What a training step is made of and no store holds.

    Attributes:
        model: the module that was trained; copied, not changed.
        loss_fn: per-sample losses.
        fetch: `(indices, step, draws) -> (inputs, targets)` as a forward pass saw them.
        penalty: explicit regulariser of the loop's loss.
        forward: calls the model.
    """

    model: nn.Module
    loss_fn: LossFunction
    fetch: Callable[[Int[Tensor, " batch"], int, Draws], tuple[Inputs, Targets]]
    penalty: Penalty | None = None
    forward: Forward = call


@dataclass(frozen=True)
class StepRecord:
    """How a recorded step was taken.

    Attributes:
        number: steps taken before.
        batch: the samples, in the order drawn.
        weights: their weights in the loss.
        passes: the forward passes they were in.
        options: numeric options of the optimizer, `[group, option]`.
        clip: what the gradient was multiplied by, to clip it.
        threads: threads of torch.
    """

    number: int
    batch: Int[Tensor, " batch"]
    weights: Float64[Tensor, " batch"]
    passes: list[ForwardPass]
    options: np.ndarray
    clip: float
    threads: int


class Replayer:
    """A copy of the training that can be put at a snapshot and take the recorded steps again.

    Args:
        setup: model, loss, data and penalty.
        attributes: attributes of the checkpointed history (`history.schema.CheckpointedRows`).
        layout: how the trained tensors lie in the flat vector.
        constants: frozen parameters and buffers by name.
        device: where to train.
    """

    def __init__(
        self,
        setup: TrainingSetup,
        attributes: Mapping[str, Any],
        layout: ParameterLayout,
        constants: Mapping[str, Tensor],
        device: torch.device,
    ) -> None:
        self._setup, self._layout, self._device = setup, layout, device
        self._attributes = attributes
        self._option_names = tuple(attributes["coordinates"]["option"])
        self._model = copy.deepcopy(setup.model, computed_tensors(setup.model)).to(device)
        _set_values(self._model, constants, device)
        named = dict(self._model.named_parameters())
        self.parameters = {slot.name: named[slot.name] for slot in layout.slots}
        for name, parameter in named.items():
            parameter.requires_grad_(name in self.parameters)
        training = attributes.get("random", {}).get("training")
        for name, module in self._model.named_modules():
            module.training = module.training if training is None else name in training

    def start(
        self, theta: Float[Tensor, " param"], state: Mapping[str, Tensor], step: int
    ) -> torch.optim.Optimizer:
        """Put model and a new optimizer to a snapshot.

        Args:
            theta: the parameters.
            state: flat vectors of the optimizer's tensors.
            step: recorded steps before the snapshot.

        Returns:
            The optimizer.
        """
        types = [getattr(torch, name) for name in self._attributes["tensor_dtypes"]]
        values = self._layout.unflatten(theta)
        pairs = zip(values.items(), types, strict=True)
        _set_values(self._model, {n: value.to(kind) for (n, value), kind in pairs}, self._device)
        flags = self._attributes["flags"]
        members: list[list[nn.Parameter]] = [[] for _ in flags]
        for slot in self._layout.slots:
            members[slot.group].append(self.parameters[slot.name])
        optimizer = rebuild(self._attributes["optimizer"], flags, members)
        before = self._attributes.get("steps_before", [0] * len(self._layout.slots))
        steps = [taken + step for taken in before]
        product = getattr(torch, self._attributes["product_dtype"])
        load_state_vectors(optimizer, state, steps, self.parameters, self._layout, product)
        return optimizer

    @torch.enable_grad()
    def take(self, optimizer: torch.optim.Optimizer, record: StepRecord) -> None:
        """Take a step as it was recorded.

        Args:
            optimizer: what `start` returned.
            record: the step.
        """
        optimizer.zero_grad()
        for one in record.passes:
            self._add_gradient(record, one)
        if record.clip != 1.0:
            _multiply(self.parameters.values(), record.clip)
        set_options(optimizer, self._option_names, record.options)
        optimizer.step()

    def _add_gradient(self, record: StepRecord, one: ForwardPass) -> None:
        """Take a forward pass and its backward pass again."""
        x, y = collated(self._setup.fetch(record.batch[one.rows], record.number, one.draws))
        types = self._attributes["sample_dtypes"]
        x, y = _as_recorded(x, types["x"], self._device), _as_recorded(y, types["y"], self._device)
        with replayed(one.draws.get("forward"), self._device):
            losses = self._setup.loss_fn(self._setup.forward(self._model, x), y)
        heads, vectors = [losses], [record.weights[one.rows].to(losses)]
        if self._setup.penalty is not None:
            heads.append(self._setup.penalty(dict(self.parameters)))
            vectors.append(torch.ones_like(heads[-1]))
        torch.autograd.backward(heads, vectors)


@torch.no_grad()
def _multiply(parameters: Iterable[nn.Parameter], factor: float) -> None:
    """Multiply their gradients, as clipping does; a norm would have to be summed in its order."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.mul_(factor)


@contextmanager
def same_threads() -> Iterator[None]:
    """Restore torch's number of threads after the block."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _set_values(model: nn.Module, values: Mapping[str, Tensor], device: torch.device) -> None:
    """Give parameters and buffers these values, in memory of their own."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    for name, value in values.items():
        # a copy, because the alignment of a view may change how sums are rounded
        tensors[name].data = value.detach().to(device, copy=True)


def _as_recorded(tree: Tree, types: list[str], device: torch.device) -> Tree:
    """Return floating tensors in the type trained on; a copy of the data may have another."""
    values = [
        leaf.to(device, getattr(torch, kind) if leaf.is_floating_point() else None)
        for leaf, kind in zip(leaves(tree), types, strict=True)
    ]
    return replace_leaves(tree, values)
