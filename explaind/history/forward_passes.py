"""The forward passes of a step: which samples each is of, and the random numbers it drew.

A step is mostly one forward pass of one batch; with gradient accumulation it is several. They are
kept apart: samples are padded, and random numbers drawn, pass by pass. In the store they are rows
of `batch`, `weight`, `forward_pass` and, where something draws, `random_state`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float64
from torch import Tensor

from explaind.errors import RecordingError
from explaind.history.accumulation import Part
from explaind.history.random_state import SOURCES, Draws, Source

EMPTY = -1
"""What stands in the slots that a batch does not fill."""


@dataclass(frozen=True)
class ForwardPass:
    """One forward pass of a step.

    Attributes:
        rows: places of its samples in the batch of the step.
        draws: state of the generators before what made batch and output drew from them.
    """

    rows: slice
    draws: Draws = field(default_factory=dict)


@dataclass(frozen=True)
class Room:
    """What the rows of a step have room for.

    Attributes:
        slots: samples.
        passes: forward passes that draw random numbers.
        sources: what draws them.
        state_bytes: bytes of a state of the generators; 0 if nothing draws.
        concatenated: whether batches hold several rows of a sample, one after the other.
    """

    slots: int
    passes: int = 0
    sources: tuple[Source, ...] = ()
    state_bytes: int = 0
    concatenated: bool = False

    def with_first_step(self, parts: Sequence[Part]) -> "Room":
        """Return the room that the first step needs as well.

        Args:
            parts: its forward passes.

        Returns:
            At least this room.
        """
        states = [state for part in parts for state in part.draws.values()]
        drawing = {source for part in parts for source in part.draws}
        return Room(
            slots=max(self.slots, sum(len(part.batch.index) for part in parts)),
            passes=len(parts) if states else 0,
            sources=tuple(source for source in SOURCES if source in drawing),
            state_bytes=max((len(state) for state in states), default=0),
            concatenated=any(part.batch.apart is not None for part in parts),
        )

    def rows(
        self, parts: Sequence[Part], weights: Float64[Tensor, " batch"], step: int
    ) -> dict[str, np.ndarray]:
        """Return the rows of a step; what it does not fill is empty.

        Args:
            parts: its forward passes.
            weights: weights of all samples in the loss.
            step: the step, for messages.

        Returns:
            `batch`, `weight`, `forward_pass` and `random_state`.

        Raises:
            RecordingError: if there is not enough room, or batches become concatenated ones.
        """
        if not self.concatenated and any(part.batch.apart is not None for part in parts):
            raise RecordingError(
                f"A batch of step {step} holds several rows of a sample, those of the first step"
                " had one row for each. Expected a first batch that shows it."
            )
        sizes = [len(part.batch.index) for part in parts]
        size = sum(sizes)
        if size > self.slots:
            raise RecordingError(
                f"The batch of step {step} has {size} samples, the store has room for"
                f" {self.slots}. Pass record(..., max_batch_size={size})."
            )
        rows: dict[str, np.ndarray] = {
            "batch": np.full(self.slots, EMPTY, dtype=np.int32),
            "weight": np.zeros(self.slots),
            "forward_pass": np.full(self.slots, EMPTY, dtype=np.int32),
        }
        rows["batch"][:size] = torch.cat([part.batch.index.cpu() for part in parts]).numpy()
        rows["weight"][:size] = weights.numpy()
        rows["forward_pass"][:size] = np.repeat(np.arange(len(parts)), sizes)
        return rows | self._states(parts, step)

    def _states(self, parts: Sequence[Part], step: int) -> dict[str, np.ndarray]:
        """The states of the generators, zero where nothing was drawn.

        Args:
            parts: the forward passes.
            step: the step, for messages.

        Returns:
            `random_state`; nothing if nothing draws.

        Raises:
            RecordingError: if more draws than did at the first step.
        """
        drawing = {source for part in parts for source in part.draws}
        if more := drawing - set(self.sources):
            raise RecordingError(
                f"Random numbers are drawn at step {step} that were not at the first one, by"
                f" {sorted(more)}. Expected all that draws to do so from the first step on, for"
                " which the store has room: put the model into the mode that it is trained in"
                " before, and let a dataset or augmentation draw for every batch, if only to leave"
                " it as it is."
            )
        if not self.sources:
            return {}
        if len(parts) > self.passes:
            raise RecordingError(
                f"Step {step} has {len(parts)} forward passes, the store has room for the random"
                f" numbers of {self.passes}, as many as the first step has. Expected no more later."
            )
        states = np.zeros((self.passes, len(self.sources), self.state_bytes), dtype=np.uint8)
        for number, part in enumerate(parts):
            for source, state in part.draws.items():
                states[number, self.sources.index(source), : len(state)] = state.cpu().numpy()
        return {"random_state": states}


def random_attributes(parts: Sequence[Part], device: torch.device) -> dict[str, Any]:
    """Return where a step drew its random numbers, and the modules in training mode there."""
    modes = (part.training for part in parts if part.training is not None)
    return {"device": device.type, "training": next(modes, None)}


class ForwardPasses:
    """Reads the forward passes of a history back.

    Args:
        dataset: the opened history.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        self._numbers, self._states = dataset["forward_pass"].values, dataset.get("random_state")
        self._sources: list[Source] = dataset.attrs["room"]["sources"]
        self._start, self._held = 0, np.empty((0, 0, 0, 0), dtype=np.uint8)

    def of_step(self, step: int) -> list[ForwardPass]:
        """Return the forward passes of a step, in order."""
        numbers = self._numbers[step][self._numbers[step] != EMPTY]
        bounds = np.searchsorted(numbers, np.arange(int(numbers[-1]) + 2)).tolist()
        return [
            ForwardPass(slice(start, stop), self._draws(step, place))
            for place, (start, stop) in enumerate(pairwise(bounds))
        ]

    def _draws(self, step: int, place: int) -> Draws:
        if self._states is None:
            return {}
        if not self._start <= step < self._start + len(self._held):  # a chunk at a time
            length = int(self._states.encoding["chunks"][0])
            self._start = step - step % length
            self._held = self._states[self._start : self._start + length].values
        drawn = zip(self._sources, self._held[step - self._start, place], strict=True)
        return {source: torch.tensor(state) for source, state in drawn if state.any()}
