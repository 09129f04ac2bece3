"""The walk over the recorded steps, backward in time."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from explaind.history.forward_passes import ForwardPass
from explaind.history.replay.carry import CarriedMotion
from explaind.history.replay.history import Block, History
from explaind.history.replay.regularisation import RegularisationMotion
from explaind.prefetch import made_ahead

PARTS = ("data", "decay", "carry")
"""What moves the parameters in a step: the data, regularisation (weight decay and penalty), and,
where the recording began with momentum, the gradients before it."""


def parts_of(history: History) -> tuple[str, ...]:
    """Return the names of the parts that the motion in a history has."""
    return PARTS if history.carried else PARTS[:2]


class Step(NamedTuple):
    """One recorded step.

    Attributes:
        number: the step `s`.
        block: the block of the history that holds it.
        start: `theta_s`.
        end: `theta_{s+1}`.
        parts: motion due to each of `PARTS`; their sum is `end - start`.
        batch: training samples of the batch, on the CPU.
        weights: their weights in the loss, `w_{s,i}`, on the CPU.
        clip: gradient-clipping factor, `kappa_s`.
        passes: the forward passes that the batch went through the model in.
    """

    number: int
    block: Block
    start: Float[Tensor, " param"]
    end: Float[Tensor, " param"]
    parts: Float[Tensor, "part param"]
    batch: Int[Tensor, " batch"]
    weights: Float64[Tensor, " batch"]
    clip: float
    passes: list[ForwardPass]

    def copied(self) -> "Step":
        """Return the step with a block of its own, for those who hold steps of several blocks."""
        number, second = self.number, self.block.second_moment
        own = None if second is None else second[number - self.block.start][None].clone()
        block = Block(number, number + 1, torch.stack([self.start, self.end]), own)
        return self._replace(block=block, start=block.params[0], end=block.params[1])


def backward_steps(
    history: History, regularisation: RegularisationMotion, first: int = 0, stop: int | None = None
) -> Iterator[Step]:
    """Yield the steps `[first, stop)`, by default all, the last one first.

    The next block of the history is read, and copied to the GPU, while one is worked on, from its
    second step on: until then the caller still holds a step of the block before, and no more than
    two are in memory. One that is replayed is not, because the replay needs the cores and sets
    their number.

    Args:
        history: the recorded path.
        regularisation: the part of its motion due to regularisation.
        first: the earliest step.
        stop: one past the latest step.

    Yields:
        The steps.
    """
    stop = history.steps if stop is None else stop
    blocks = history.blocks(reverse=True, first=first, stop=stop)
    steps_of = _BlockSteps(history, regularisation, range(first, stop))
    if history.replayed:
        for block in blocks:
            yield from steps_of(block)
        return
    device = torch.device(history.device)
    with made_ahead(_on_own_stream(blocks, device) if device.type == "cuda" else blocks) as ahead:
        for block in ahead:
            _keep_for_computation(block)
            for step in steps_of(block):
                yield step
                ahead.begin()


class _BlockSteps:
    """The steps of a block, the last one first.

    Args:
        history: the recorded path.
        regularisation: the part of its motion due to regularisation.
        steps: the steps that are walked over.
    """

    def __init__(
        self, history: History, regularisation: RegularisationMotion, steps: range
    ) -> None:
        self._history, self._regularisation, self._steps = history, regularisation, steps
        self._carry = CarriedMotion(history)

    def __call__(self, block: Block) -> Iterator[Step]:
        """Yield those that are walked over."""
        history, motion = self._history, self._regularisation.of_block(block)
        start, stop = max(block.start, self._steps.start), min(block.stop, self._steps.stop)
        for number in reversed(range(start, stop)):
            drift, carried = motion[number - block.start], self._carry.of_step(block, number)
            others = [drift] if carried is None else [drift, carried]
            yield Step(
                number,
                block,
                start=block.theta(number),
                end=block.theta(number + 1),
                parts=torch.stack([block.increment(number) - sum(others), *others]),
                batch=history.batch(number),
                weights=history.sample_weights(number),
                clip=history.clip(number),
                passes=history.forward_passes(number),
            )


def _keep_for_computation(block: Block) -> None:
    """Keep the memory of a block that another stream copied to a GPU until its last use here."""
    for tensor in (block.params, block.second_moment):
        if tensor is not None and tensor.is_cuda:
            tensor.record_stream(torch.cuda.current_stream(tensor.device))


def _on_own_stream(blocks: Iterable[Block], device: torch.device) -> Iterator[Block]:
    """Copy the blocks to the GPU beside the stream of the computation."""
    iterator, stream = iter(blocks), torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    while True:
        with torch.cuda.stream(stream):
            block = next(iterator, None)
        if block is None:
            return
        stream.synchronize()  # only this thread waits
        yield block
