"""Checks that refuse what cannot be explained, before it is recorded."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from explaind.errors import RecordingError, UnsupportedError
from explaind.trees import Inputs, LossFunction, Outputs, Targets, batch_size, leaves, rows_of

_DROPOUT = nn.modules.dropout._DropoutNd
_BATCH_NORM = nn.modules.batchnorm._BatchNorm


def check_deterministic_mode(model: nn.Module, step: int) -> None:
    """Refuse layers whose output depends on chance or on the other samples of the batch.

    Args:
        model: the model about to take a step.
        step: the step, for the message.

    Raises:
        UnsupportedError: naming the layer.
    """
    for name, module in model.named_modules():
        if not isinstance(module, (_DROPOUT, _BATCH_NORM)):  # looked at in every step: be quick
            continue
        random = isinstance(module, _DROPOUT) and module.p > 0
        mixing = isinstance(module, _BATCH_NORM)
        if module.training and (random or mixing):
            raise UnsupportedError(
                f"Layer '{name}' ({type(module).__name__}) is in training mode at step"
                f" {step}. Its output"
                f" {'is random' if random else 'mixes the samples of a batch'}, which is"
                " not recorded."
                " Call .eval() on it before training, or set dropout to 0."
            )


@torch.no_grad()
def check_repeatable(
    model: nn.Module, forward: Callable[[Inputs], Outputs], x: Inputs, step: int
) -> None:
    """Refuse a model that draws random numbers, keeps a state or gives other outputs when called.

    A dropout that happens to leave a small batch alone is found by what it draws, and a state by
    the buffers: it may change the outputs of two calls in a row by little.

    Args:
        model: the model.
        forward: calls it, inputs to outputs.
        x: inputs of a batch.
        step: the step, for the message.

    Raises:
        UnsupportedError: naming the layer that draws, if one does.
    """
    drawing: list[str] = []
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    with ExitStack() as hooks:
        for name, module in model.named_modules():
            before: list[Tensor] = []
            hooks.callback(module.register_forward_pre_hook(_noting_state(before)).remove)
            noted = _naming_if_changed(before, drawing, name)
            hooks.callback(module.register_forward_hook(noted).remove)
        first = forward(x)
    if drawing:
        name = drawing[0]  # layers inside are done before those around them
        layer = (
            f"Layer '{name}' ({type(model.get_submodule(name)).__name__})"
            if name
            else "The forward pass"
        )
        raise UnsupportedError(
            f"{layer} draws random numbers at step {step} (dropout inside of attention or of an"
            " LSTM, functional dropout, noise). They are not recorded. Call .eval() on the model"
            " before training, or set its dropout to 0."
        )
    for name, buffer in model.named_buffers():
        if name in buffers and not torch.equal(buffer, buffers[name]):
            raise UnsupportedError(
                f"Buffer '{name}' changes when the model is called, at step {step}: the model keeps"
                " a state (statistics, a spectral norm, a count), which is not recorded. Call"
                " .eval() on the layer before training, or keep no state."
            )
    for one, other in zip(leaves(first), leaves(forward(x)), strict=True):
        if isinstance(one, Tensor) and not torch.allclose(
            one, other, rtol=1e-3, atol=1e-5, equal_nan=True
        ):
            raise UnsupportedError(
                f"The model gives other outputs when it is called again at step {step}: it is"
                " random, or keeps a state. Only a function of parameters and inputs can be"
                " explained."
            )


def _noting_state(states: list[Tensor]) -> Callable[..., None]:
    return lambda *_: states.append(_random_state())


def _naming_if_changed(states: list[Tensor], names: list[str], name: str) -> Callable[..., None]:
    def note(*_: Any) -> None:
        if not torch.equal(states.pop(), _random_state()):
            names.append(name)

    return note


def _random_state() -> Tensor:
    """The state of all generators of random numbers."""
    states = [torch.get_rng_state()]
    if torch.cuda.is_available():
        states += torch.cuda.get_rng_state_all()
    return torch.cat(states)


@contextmanager
def left_alone(model: nn.Module) -> Iterator[None]:
    """Let random numbers go on behind the block as if nothing had been drawn in it."""
    devices = {p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"}
    with torch.random.fork_rng(devices=sorted(devices)):
        yield


@torch.no_grad()
def check_separable_loss(
    model: Callable[[Inputs], Outputs], loss_fn: LossFunction, x: Inputs, y: Targets
) -> None:
    """Refuse a loss that is not one number per sample, each from its own sample only.

    Args:
        model: the model, inputs to outputs.
        loss_fn: the loss.
        x: inputs of a batch.
        y: targets of the batch.

    Raises:
        UnsupportedError: with the shape expected and that of the losses.
    """
    size = min(3, batch_size(x))
    together = loss_fn(model(rows_of(x, 0, size)), rows_of(y, 0, size))
    if not isinstance(together, Tensor) or tuple(together.shape) != (size,):
        got = tuple(together.shape) if isinstance(together, Tensor) else type(together).__name__
        raise UnsupportedError(
            f"loss_fn must return one loss per sample: expected shape ({size},) for {size}"
            " samples, got"
            f" {got}. Use reduction='none', and reduce outside of loss_fn."
        )
    alone = torch.cat(
        [loss_fn(model(rows_of(x, i, i + 1)), rows_of(y, i, i + 1)) for i in range(size)]
    )
    if not torch.allclose(together, alone, rtol=1e-3, atol=1e-5, equal_nan=True):
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
        loss = loss_fn(model(rows_of(x, 0, 1)), rows_of(y, 0, 1)).sum()
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
