"""Checks that refuse what cannot be explained, before it is recorded."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from explaind.errors import RecordingError, UnsupportedError
from explaind.history.random_state import generator_state, replayed
from explaind.trees import (
    Inputs,
    LossFunction,
    Outputs,
    Targets,
    batch_size,
    collated,
    leaves,
    rows_of,
    take,
)

_DROPOUT = nn.modules.dropout._DropoutNd
_BATCH_NORM = nn.modules.batchnorm._BatchNorm


def same_outputs(one: Tensor, other: Tensor) -> bool:
    """Return whether outputs are the same but for rounding, single precision in other batches."""
    return torch.allclose(one, other, rtol=1e-3, atol=1e-5, equal_nan=True)


def check_batch_norm(model: nn.Module, step: int) -> None:
    """Refuse layers whose output depends on the other samples of the batch.

    Args:
        model: the model about to take a step.
        step: the step, for the message.

    Raises:
        UnsupportedError: naming the layer.
    """
    for name, module in model.named_modules():
        if isinstance(module, _BATCH_NORM) and module.training:
            raise UnsupportedError(
                f"Layer '{name}' ({type(module).__name__}) is in training mode at step {step}. Its"
                " output mixes the samples of a batch, so that no sample has a gradient of its own."
                " Call .eval() on it before training, or normalise otherwise (layer, group norm)."
            )


def check_dropout(model: nn.Module, step: int) -> None:
    """Refuse dropout whose random numbers are not recorded.

    Args:
        model: the model.
        step: the step, for the message.

    Raises:
        UnsupportedError: naming the layer.
    """
    for name, module in model.named_modules():
        if isinstance(module, _DROPOUT) and module.training and module.p > 0:
            raise UnsupportedError(
                f"Layer '{name}' ({type(module).__name__}) is in training mode at step {step}. Its"
                " output is random, and what it drew is not recorded. Call .eval() on the model, or"
                " set dropout to 0."
            )


def check_module(model: nn.Module) -> None:
    """Refuse a module that is no whole one of Python: scripted, or not initialised yet.

    Args:
        model: the model.

    Raises:
        UnsupportedError: saying what it is.
    """
    if isinstance(model, torch.jit.RecursiveScriptModule):  # type: ignore[attr-defined]
        raise UnsupportedError(
            "model: a scripted module takes no hooks. Expected the module that was scripted, or a"
            " traced one (torch.jit.trace)."
        )
    if lazy := [name for name, parameter in model.named_parameters() if is_lazy(parameter)]:
        raise UnsupportedError(
            f"model: '{lazy[0]}' has no values yet (a lazy layer). Call the model with a batch"
            " before the optimizer is made."
        )


@torch.no_grad()
def check_repeatable(
    model: nn.Module, forward: Callable[[Inputs], Outputs], x: Inputs, step: int
) -> bool:
    """Refuse a model that keeps a state or gives other outputs when called again.

    Again with the same random numbers of torch. A state is told by the buffers: it may change the
    outputs of two calls in a row by little.

    Args:
        model: the model.
        forward: calls it, inputs to outputs.
        x: inputs of a batch.
        step: the step, for the message.

    Returns:
        Whether it draws random numbers.

    Raises:
        UnsupportedError: saying what of the model changes; or if it is called in another way.
    """
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    device = next(model.parameters()).device
    state, outputs = generator_state(device), []
    for _ in range(2):
        with replayed(state, device):
            try:
                outputs.append(forward(collated(x)))
            except TypeError as error:
                raise UnsupportedError(
                    f"The model cannot be called with the inputs of a batch alone: {error}. Give"
                    " record and PathKernel forward=, the way in which the loop calls it"
                    " (lambda model, x: model(*x), say)."
                ) from error
            except RuntimeError as error:
                raise UnsupportedError(
                    f"The model cannot be called again without gradients (torch.no_grad): {error}."
                    " If its forward pass differentiates, wrap that in torch.enable_grad()."
                ) from error
            drawing = not torch.equal(state, generator_state(device))
    for name, buffer in model.named_buffers():
        if name in buffers and not torch.equal(buffer, buffers[name]):
            raise UnsupportedError(
                f"Buffer '{name}' changes when the model is called, at step {step}: the model keeps"
                " a state (statistics, a spectral norm, a count), which is not recorded. Call"
                " .eval() on the layer before training, or keep no state."
            )
    for one, other in zip(*map(leaves, outputs), strict=True):
        if isinstance(one, Tensor) and not same_outputs(one, other):
            raise UnsupportedError(
                f"The model gives other outputs when it is called again at step {step}, with the"
                " same random numbers of torch: it draws from elsewhere (numpy, a generator of its"
                " own), or keeps a state. Only a function of parameters, inputs and torch's random"
                " numbers can be explained."
            )
    return drawing


@contextmanager
def left_alone(model: nn.Module) -> Iterator[None]:
    """Let random numbers go on behind the block as if nothing had been drawn in it."""
    devices = {p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"}
    with torch.random.fork_rng(devices=sorted(devices)):
        yield


@torch.no_grad()
def check_separable_loss(
    model: Callable[[Inputs], Outputs],
    loss_fn: LossFunction,
    x: Inputs,
    y: Targets,
    state: Tensor | None = None,
) -> None:
    """Refuse a loss that is not one number per sample, each from its own sample only.

    Args:
        model: the model, inputs to outputs.
        loss_fn: the loss.
        x: inputs of a batch.
        y: targets of the batch.
        state: state of the generators that the model draws from, if it does. A sample then keeps
            its place in the batch, which is filled with copies of it in place of the others: of
            samples with a row each.

    Raises:
        UnsupportedError: with the shape expected and that of the losses.
    """
    size = min(3, batch_size(x))
    few = rows_of(x, 0, size), rows_of(y, 0, size)
    device = next(leaf.device for leaf in leaves(collated(few)) if isinstance(leaf, Tensor))

    def losses(inputs: Inputs, targets: Targets) -> Tensor:
        with replayed(state, device):
            return loss_fn(model(collated(inputs)), collated(targets))

    together = losses(*few)
    if not isinstance(together, Tensor) or tuple(together.shape) != (size,):
        got = tuple(together.shape) if isinstance(together, Tensor) else type(together).__name__
        raise UnsupportedError(
            f"loss_fn must return one loss per sample: expected shape ({size},) for {size}"
            " samples, got"
            f" {got}. Use reduction='none', and reduce outside of loss_fn."
        )
    if state is None:
        alone = torch.cat([losses(*rows_of(few, i, i + 1)) for i in range(size)])
    else:
        copies = [losses(*take(few, torch.full((size,), i))) for i in range(size)]
        alone = torch.stack(copies).diagonal()
    if not same_outputs(together, alone):
        raise UnsupportedError(
            f"The loss of a sample depends on the other samples of its batch:"
            f" {together.tolist()} together,"
            f" {alone.tolist()} alone. Only per-sample losses can be credited to samples."
        )


@torch.enable_grad()
def check_gradient_of_one(
    model: Callable[[Inputs], Outputs],
    parameters: Mapping[str, Tensor],
    loss_fn: LossFunction,
    x: Inputs,
    y: Targets,
) -> None:
    """Refuse a model whose loss cannot be differentiated for a sample alone.

    This is what every gradient can fall back to when it is explained. No `.grad` is touched.

    Args:
        model: the model, inputs to outputs.
        parameters: the trained tensors by name.
        loss_fn: the loss.
        x: inputs of a batch.
        y: targets of the batch.

    Raises:
        UnsupportedError: with what torch says.
    """
    try:
        inputs, targets = collated(rows_of((x, y), 0, 1))
        loss = loss_fn(model(inputs), targets).sum()
        trained = [parameter for parameter in parameters.values() if parameter.requires_grad]
        torch.autograd.grad(loss, trained, allow_unused=True)
    except RuntimeError as error:
        raise UnsupportedError(
            "The loss of a sample alone cannot be differentiated with respect to the trained"
            f" parameters: {error} Expected a backward pass by torch.autograd.grad for a batch of"
            " one sample; activation checkpointing needs use_reentrant=False."
        ) from error


def check_finite(vector: Tensor, what: str, step: int) -> None:
    """Refuse NaN and infinity.

    Args:
        vector: any tensor.
        what: its name in the message.
        step: the step, for the message.

    Raises:
        RecordingError: naming the step.
    """
    if math.isfinite(vector.sum()):  # a third of the time; a sum of finite terms may overflow
        return
    if not bool(torch.isfinite(vector).all()):
        raise RecordingError(
            f"{what} is not finite at step {step}. Steps before it are kept in the store."
            " Lower the learning rate or clip the gradients (recorder.clip_grad_norm_)."
        )
