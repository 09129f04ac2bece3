"""An encoder as it is explained: in evaluation mode, some samples at a time, within the memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from explaind.errors import PlanError
from explaind.kernel.functionals import without_cudnn
from explaind.trees import Inputs, leaves, map_leaves

MEMORY = 2**28
"""Bytes that the passes of one batch may hold, unless told otherwise."""


@contextmanager
def evaluation_mode(encoder: nn.Module) -> Iterator[None]:
    """Put an encoder in evaluation mode, for a while.

    In training mode batch norm mixes the samples of a batch and noise is drawn. cuDNN's recurrent
    kernels take no backward pass in evaluation mode; torch's own do.

    Args:
        encoder: the encoder; every module of it gets its own mode back.

    Yields:
        Nothing.
    """
    modes = {module: module.training for module in encoder.modules()}
    encoder.eval()
    try:
        with without_cudnn():
            yield
    finally:
        for module, training in modes.items():
            module.training = training


@torch.no_grad()
def encode(
    encoder: nn.Module, x: Float[Tensor, "sample ..."], memory: int = MEMORY
) -> Float[Tensor, "sample unit"]:
    """Return the representations `f(x)`, one flat row for each sample.

    Args:
        encoder: the encoder `f`.
        x: inputs, sample first.
        memory: bytes that the pass of one batch may hold.

    Returns:
        The representations.
    """
    with evaluation_mode(encoder):
        rows = rows_within(encoder, x, memory)
        return torch.cat([encoder(part).flatten(1) for part in torch.split(x, rows)])


def rows_within(
    encoder: nn.Module, x: Float[Tensor, "sample ..."], memory: int, passes: int = 1
) -> int:
    """Return how many samples may be in a batch so that its passes fit into the memory.

    Args:
        encoder: the encoder.
        x: inputs, sample first.
        memory: bytes that a batch may hold.
        passes: rows that each sample takes at once, as steps along a path do.

    Returns:
        The number of samples, at least 1.

    Raises:
        PlanError: if one sample needs more.
    """
    each = passes * pass_bytes(encoder, x)
    if each > memory:
        raise PlanError(
            f"Expected memory for one sample, {each:,} bytes in {passes} pass(es), got {memory:,}."
            " Give more memory, or take fewer steps."
        )
    return memory // each


def pass_bytes(model: nn.Module, x: Inputs) -> int:
    """Return what a forward and a backward pass of one sample take.

    Counted is what the forward pass keeps for the backward pass, with the gradients of all that;
    parameters are not.

    Args:
        model: the model.
        x: inputs, of which the first is taken.

    Returns:
        Bytes.
    """
    own = {tensor.untyped_storage().data_ptr() for tensor in model.parameters()}
    kept = dict[int, int]()

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    def first(leaf: Tensor) -> Tensor:
        return leaf[:1].detach().clone().requires_grad_(leaf.is_floating_point())

    probe = map_leaves(first, x)
    with torch.enable_grad(), saved_tensors_hooks(count, lambda tensor: tensor):
        model(probe)
    inputs: int = sum(leaf.nbytes for leaf in leaves(probe))
    return 2 * sum(kept.values()) + inputs
