"""The sizes of a run of the config; what a forward pass costs is measured on two samples."""

import gc
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from explaind.config import Config
from explaind.history.guards import rows_of
from explaind.history.history import History
from explaind.kernel.functionals import ModelFunction, find_functional
from explaind.kernel.guards import check_capture
from explaind.kernel.of_run import kernel_of_run
from explaind.kernel.per_sample import PerSampleGradients
from explaind.kernel.plan.sizes import Layer, Sizes
from explaind.kernel.usage import resident_bytes
from explaind.models.registry import build_model
from explaind.paths import Paths
from explaind.training.losses import LOSSES


def sizes_of_run(config: Config, paths: Paths, run: str) -> tuple[Sizes, int]:
    """Sizes of a recorded run and of what the config asks of it.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.

    Returns:
        The sizes, and the memory of this process once it has opened the run, as every job does.

    Raises:
        StoreError: if the dataset or history store is missing, incomplete or of another
            configuration.
    """
    settings = config.runs[run]
    opened = kernel_of_run(config, paths, run)
    gc.collect()
    process = resident_bytes()
    epk, data, history = settings.epk, opened.data, opened.kernel.history
    first = history.read(0, 1)
    _, functional = find_functional(epk.functional, LOSSES[settings.training.loss])
    model = build_model(settings.model, data.classes)
    function = ModelFunction(model, history.constants(), functional)
    loss = ModelFunction(model, history.constants(), LOSSES[settings.training.loss])
    params = history.layout.unflatten(first.theta(0))
    x, y = data.x_validation[:2], data.y_validation[:2]

    def forward(samples: int) -> Tensor:
        return function(params, rows_of(x, 0, samples), rows_of(y, 0, samples))

    sizes = Sizes(
        layers=_layers(loss, history, (data.x_train[:2], data.y_train[:2])),
        train=len(data.y_train),
        batch=max(len(history.batch(step)) for step in range(history.steps)),
        steps=history.steps,
        samples=epk.samples or len(data.y_validation),
        outputs=forward(1).numel(),
        intervals=epk.intervals,
        keep=epk.keep,
        subintervals=epk.quadrature.subintervals,
        refines=epk.quadrature.tolerance is not None,
        block_steps=min(history.block_length, history.steps),
        adaptive=first.second_moment is not None,
        activation_bytes=activation_bytes(forward, params),
        sample_bytes=_sample_bytes((data.x_train, data.y_train)),
        forward_flops=forward_flops(forward),
        itemsize=history.stored_dtype.itemsize,
    )
    return sizes, process


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
    return sum(tensor.untyped_storage().nbytes() for tensor in saved.values())


def _sample_bytes(tree: Any) -> int:
    leaves = torch.utils._pytree.tree_leaves(tree)
    return sum(leaf.untyped_storage().nbytes() // len(leaf) for leaf in leaves)
