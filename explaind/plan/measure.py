"""Sizes of a recorded run; what a forward pass costs is measured on two samples."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from explaind.history.replay.history import History
from explaind.kernel.checks.gradients import check_capture
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.functionals import ModelFunction, OutputFunction
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.kernel.trajectory.intervals import FORGOTTEN, segment_of
from explaind.plan.sizes import Layer
from explaind.trees import Forward, Inputs, LossFunction, Targets, call, collated, leaves, rows_of


def recorded_sizes(history: History, segments: int) -> dict[str, Any]:
    """Sizes of a history.

    Args:
        history: the recorded path.
        segments: parts of the training that are explained by jobs of their own.

    Returns:
        Fields of `Sizes` by name.
    """
    tolerance = FORGOTTEN[history.dtype]
    parts = [segment_of(history, number, segments, tolerance) for number in range(segments)]
    return {
        "batch": max(len(history.batch(step)) for step in range(history.steps)),
        "steps": history.steps,
        "block_steps": min(history.block_length, history.steps),
        "adaptive": history.read(0, 1).second_moment is not None,
        "itemsize": history.dtype.itemsize,
        "every": history.block_length if history.replayed else 1,
        "segments": segments,
        "warm_up": max(part.warm_up - part.stop for part in parts),
    }


def measured_sizes(
    history: History,
    model: nn.Module,
    function: OutputFunction,
    loss_fn: LossFunction,
    samples: tuple[Inputs, Targets],
    forward: Forward = call,
) -> dict[str, Any]:
    """Measure what a sample costs, on passes of two.

    Args:
        history: the recorded path.
        model: the network.
        function: what is explained of its output.
        loss_fn: the training loss.
        samples: inputs and targets of at least two training samples.
        forward: how the network is called.

    Returns:
        Fields of `Sizes` by name.
    """
    data = TrainingData(samples, history.dtype, history.device)
    x, y = data.fetch(torch.arange(2), 0)
    mode = None if history.training_modules is None else ()  # chance costs next to nothing
    explained, loss = (
        ModelFunction(model, history.constants(), output, forward, mode)
        for output in (function, loss_fn)
    )
    params = history.layout.unflatten(history.initial)

    def values_of(count: int) -> Tensor:
        values: Tensor = explained(params, rows_of(x, 0, count), rows_of(y, 0, count))
        return values

    gradients = PerSampleGradients(loss, history.layout)
    fallback = check_capture(gradients, history.initial, x, y, linearised=True)
    return {
        "layers": _layers(gradients.with_fallback(fallback), history.initial, x, y),
        "batched": fallback.batched,
        "outputs": values_of(1).numel(),
        "activation_bytes": activation_bytes(values_of, params),
        "sample_bytes": _sample_bytes(x, y),
        "forward_flops": forward_flops(values_of),
    }


def activation_bytes(forward: Callable[[int], Tensor], params: dict[str, Tensor]) -> int:
    """What autograd keeps for each sample of a forward pass.

    Args:
        forward: the pass, of that many samples.
        params: the parameters it uses, which are not counted.

    Returns:
        Bytes of a pass of two samples, less those of a pass of one.
    """
    for tensor in params.values():
        tensor.requires_grad_(True)
    one, two = (_saved_bytes(forward, count, list(params.values())) for count in (1, 2))
    return max(0, two - one)


def forward_flops(forward: Callable[[int], Tensor]) -> int:
    """Return the operations of matrix products and convolutions in one sample's forward pass."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        forward(1)
    return int(counter.get_total_flops())


def _layers(
    gradients: PerSampleGradients, theta: Float[Tensor, " param"], x: Inputs, y: Targets
) -> tuple[Layer, ...]:
    """The trained tensors, and what their gradients of the loss are read from."""
    captured = gradients.capture(theta, x, y)
    return tuple(
        Layer(
            slot.name,
            slot.component,
            slot.stop - slot.start,
            () if slot.name in captured.fallback else tuple(captured.work(slot)),
            slot.name in captured.fallback,
        )
        for slot in gradients.layout.slots
    )


def _sample_bytes(x: Inputs, y: Targets) -> int:
    first = leaves(collated(rows_of((x, y), 0, 1)))
    return sum(_bytes(leaf.clone()) for leaf in first if isinstance(leaf, Tensor))


def _saved_bytes(forward: Callable[[int], Tensor], count: int, params: list[Tensor]) -> int:
    known = {tensor.untyped_storage().data_ptr() for tensor in params}
    saved: dict[int, Tensor] = {}  # the tensors, so that no address is used twice

    def keep(tensor: Tensor) -> Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in known:
            saved[place] = tensor
        return tensor

    with torch.enable_grad(), saved_tensors_hooks(keep, lambda tensor: tensor):
        torch.autograd.grad(forward(count).sum(), params, allow_unused=True)
    return sum(_bytes(tensor) for tensor in saved.values())


def _bytes(tensor: Tensor) -> int:
    return int(tensor.untyped_storage().nbytes())
