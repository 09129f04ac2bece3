"""The sizes of a run of the config; what a forward pass costs is measured on two samples."""

import gc
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from explaind.config.epk import Epk
from explaind.config.run import Run
from explaind.config.schema import Config
from explaind.data.load import LoadedDataset
from explaind.history.history import History
from explaind.kernel.checks import check_capture
from explaind.kernel.contraction.precision import TOLERANCE
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.functionals import ModelFunction, find_functional
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.kernel.trajectory.segment import segment_of
from explaind.models.registry import build_model
from explaind.paths import Paths
from explaind.pipeline.load_kernel import kernel_of_run
from explaind.plan.sizes import Layer, Sizes
from explaind.plan.usage import resident_bytes
from explaind.training.task import task_of
from explaind.trees import rows_of


class Opened(NamedTuple):
    """A run as a job has opened it.

    Attributes:
        sizes: its sizes.
        device: what computes.
        main_bytes: main memory of this process when the run was opened.
        device_bytes: memory of the device that computes, the same if that is the CPU.
    """

    sizes: Sizes
    device: torch.device
    main_bytes: int
    device_bytes: int


def open_run(config: Config, paths: Paths, run: str) -> Opened:
    """Open a recorded run and measure what a job has to know of it.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.

    Raises:
        StoreError: if the dataset or history store is missing, incomplete or of another
            configuration.
    """
    opened = kernel_of_run(config, paths, run)
    kernel, data = opened.kernel, opened.data
    history, settings = kernel.history, config.runs[run]
    gc.collect()
    device, main = torch.device(history.device), resident_bytes()
    used = torch.cuda.memory_allocated(device) if device.type == "cuda" else main
    model = build_model(settings.model, data.classes, data.input_shape)
    sizes = Sizes(
        **_recorded(history, settings.epk.segments),
        **_asked(settings.epk, data),
        **_measured(settings, history, model, data),
    )
    return Opened(sizes, device, main, used)


def _recorded(history: History, segments: int) -> dict[str, Any]:
    """Sizes of the history, read in so many segments."""
    tolerance = TOLERANCE[history.theta(0).dtype]
    parts = [segment_of(history, number, segments, tolerance) for number in range(segments)]
    return {
        "batch": max(len(history.batch(step)) for step in range(history.steps)),
        "steps": history.steps,
        "block_steps": min(history.block_length, history.steps),
        "adaptive": history.read(0, 1).second_moment is not None,
        "itemsize": history.theta(0).element_size(),
        "every": history.block_length if history.replayed else 1,
        "segments": segments,
        "warm_up": max(part.warm_up - part.stop for part in parts),
    }


def _asked(epk: Epk, data: LoadedDataset) -> dict[str, Any]:
    """Sizes of what the config asks for."""
    splits = epk.credit == "application_step" and "interval" in epk.keep
    return {
        "train": len(data.y_train),
        "samples": epk.samples or len(data.y_validation),
        "intervals": epk.intervals,
        "keep": epk.keep,
        "kept_train": len(epk.train_samples or data.y_train),
        "top": epk.top,
        "adjoint_parts": 2 if splits else 1,
        "subintervals": epk.quadrature.subintervals,
        "refines": epk.quadrature.tolerance is not None,
    }


def _measured(
    settings: Run, history: History, model: nn.Module, data: LoadedDataset
) -> dict[str, Any]:
    """What a sample costs, from passes of two."""
    theta, loss_fn = history.theta(0), task_of(settings.training.loss).loss_fn
    converted = TrainingData((data.x_train, data.y_train), theta.dtype, history.device)
    x, y = converted.fetch(torch.arange(2), 0)
    _, functional = find_functional(settings.epk.functional, loss_fn)
    function, loss = (
        ModelFunction(model, history.constants(), output) for output in (functional, loss_fn)
    )
    params = history.layout.unflatten(theta)

    def forward(samples: int) -> Tensor:
        return function(params, rows_of(x, 0, samples), rows_of(y, 0, samples))

    return {
        "layers": _layers(loss, history, (x, y)),
        "outputs": forward(1).numel(),
        "activation_bytes": activation_bytes(forward, params),
        "sample_bytes": sum(_bytes(leaf[:1].clone()) for leaf in (x, y)),
        "forward_flops": forward_flops(forward),
    }


def _layers(loss: ModelFunction, history: History, few: tuple[Tensor, Tensor]) -> tuple[Layer, ...]:
    """The trained tensors, and how the gradients of the loss are read from a backward pass."""
    gradients, theta = PerSampleGradients(loss, history.layout), history.read(0, 1).theta(0)
    check_capture(gradients, theta, *few)
    passed, general = gradients.backward_pass(theta, *few)
    return tuple(
        Layer(
            slot.name,
            slot.component,
            slot.stop - slot.start,
            () if slot.name in general else tuple(passed.work(slot)),
            slot.name in general,
        )
        for slot in history.layout.slots
    )


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
    one, two = (_saved_bytes(forward, samples, list(params.values())) for samples in (1, 2))
    return max(0, two - one)


def forward_flops(forward: Callable[[int], Tensor]) -> int:
    """Operations of the matrix products and convolutions of one sample's forward pass."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        forward(1)
    return int(counter.get_total_flops())


def _saved_bytes(forward: Callable[[int], Tensor], samples: int, params: list[Tensor]) -> int:
    known = {tensor.untyped_storage().data_ptr() for tensor in params}
    saved: dict[int, Tensor] = {}  # the tensors, so that no address is used twice

    def keep(tensor: Tensor) -> Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in known:
            saved[place] = tensor
        return tensor

    with torch.enable_grad(), saved_tensors_hooks(keep, lambda tensor: tensor):
        torch.autograd.grad(forward(samples).sum(), params, allow_unused=True)
    return sum(_bytes(tensor) for tensor in saved.values())


def _bytes(tensor: Tensor) -> int:
    return int(tensor.untyped_storage().nbytes())
