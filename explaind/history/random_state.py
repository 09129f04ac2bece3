"""Random numbers of a training: the state of torch's generators before each draw, and replays.

Dropout, noise and random augmentation are functions of the state of a generator. Where a step
draws, the state before is recorded; put back, the same numbers come again, in the same order. So
with its state a random model is a function of parameters and inputs like any other, but of a whole
batch: which numbers a sample gets depends on its place there.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

Source = Literal["data", "augment", "forward"]
"""What draws: items of the dataset and the collate function, the augmentation, the model."""

SOURCES: tuple[Source, ...] = ("data", "augment", "forward")

Draws = Mapping[Source, UInt8[Tensor, " byte"]]
"""State of the generators before each source drew; those that did not draw are left out."""

NOTHING_DRAWN: Draws = MappingProxyType({})

CPU = torch.device("cpu")


def generator_state(device: torch.device) -> UInt8[Tensor, " byte"]:
    """Return the state of the generator of the CPU and, behind it, of that of a GPU."""
    state = torch.get_rng_state()
    if device.type != "cuda":
        return state
    return torch.cat([state, torch.cuda.get_rng_state(device)])


@contextmanager
def replayed(state: UInt8[Tensor, " byte"] | None, device: torch.device) -> Iterator[None]:
    """Draw from a recorded state within the block; behind it go on as if nothing had been drawn.

    Args:
        state: what `generator_state` returned; None = draw on as it comes.
        device: the device it was taken of.

    Yields:
        Nothing.
    """
    if state is None:
        yield
        return
    before = generator_state(device)
    try:
        set_generator_state(state, device)
        yield
    finally:
        set_generator_state(before, device)


def training_modules(model: nn.Module) -> list[str]:
    """Return the names of the modules in training mode."""
    return [name for name, module in model.named_modules() if module.training]


@contextmanager
def in_mode(model: nn.Module, training: Collection[str] | None) -> Iterator[None]:
    """Put these modules in training mode and all others in evaluation mode, for a while.

    Args:
        model: the model.
        training: names of modules; None = the mode is left as it is.

    Yields:
        Nothing.
    """
    if training is None:
        yield
        return
    before = [(module, module.training) for module in model.modules()]
    try:
        for name, module in model.named_modules():
            module.training = name in training
        yield
    finally:
        for module, mode in before:
            module.training = mode


def set_generator_state(state: UInt8[Tensor, " byte"], device: torch.device) -> None:
    """Draw on from a state that `generator_state` returned of this device."""
    width = len(torch.get_rng_state())
    torch.set_rng_state(state[:width])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[width:], device)
