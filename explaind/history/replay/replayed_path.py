"""The parameters of a checkpointed history: each interval replayed from its snapshot, and checked.

A checkpoint interval is the steps between two snapshots. One is held in memory, so that reading it
again, or piece by piece, trains it once.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from explaind.errors import RecordingError
from explaind.history.checkpoint_interval import snapshot_row
from explaind.history.checksums import vector_checksum
from explaind.history.forward_passes import EMPTY, ForwardPasses
from explaind.history.layout import ParameterLayout
from explaind.history.optimizer_step import (
    earlier_states,
    has_second_moment,
    second_moment,
)
from explaind.history.replay.replayer import Replayer, StepRecord, TrainingSetup, same_threads
from explaind.history.schema import environment, to_row
from explaind.history.state import CONSTANTS, load_state

logger = logging.getLogger(__name__)

DEVICE_TOLERANCE = 1e-3
"""Largest error of an interval replayed on a GPU, relative to its motion."""


class PathSteps(NamedTuple):
    """Parameters and second moments of consecutive steps, as recorded.

    Attributes:
        params: `theta_s` for `s = start..stop`.
        second_moment: what each step divided by; None without one.
    """

    params: Float[Tensor, "points param"]
    second_moment: Float[Tensor, "steps param"] | None


class ReplayedPath:
    """Reads a checkpointed history by replay.

    A training on a CPU is replayed there and must match bit for bit. One on a GPU is replayed on a
    GPU if there is one, and must reach the next snapshot to `DEVICE_TOLERANCE` of the motion since
    the last; the interval then ends in the recorded snapshot, so that all motion is accounted for.

    Args:
        path: folder of the store.
        dataset: the opened history.
        setup: model, loss, data and penalty.
        names: what the recorded tensors are called in the model.
    """

    def __init__(
        self, path: Path, dataset: xr.Dataset, setup: TrainingSetup, names: Mapping[str, str]
    ) -> None:
        self._path, self._dataset = path, dataset
        self._steps, self._every = int(dataset.attrs["steps"]), int(dataset.attrs["every"])
        self._layout = ParameterLayout.from_json(dataset.attrs["tensors"]).renamed(names)
        self._exact = dataset.attrs["device"] == "cpu"
        on_gpu = not self._exact and torch.cuda.is_available()
        self._device = torch.device("cuda" if on_gpu else "cpu")
        stored = load_state(path / CONSTANTS, self._device)
        constants = {names[name]: tensor for name, tensor in stored.items() if name in names}
        self._replayer = Replayer(setup, dataset.attrs, self._layout, constants, self._device)
        per_step = ("batch", "setting", "clip", "threads", "params_checksum")
        self._steps_of = {name: dataset[name].values for name in per_step}
        self._weights, self._passes = dataset["weight"].values, ForwardPasses(dataset)
        self._states = [str(name) for name in dataset if str(name).startswith("state_")]
        self._held: tuple[int, PathSteps] | None = None

    @property
    def block_length(self) -> int:
        """Steps between two snapshots."""
        return self._every

    def theta(self, point: int) -> Float[Tensor, " param"]:
        """Return the parameters at a point of the path; at a snapshot without replay."""
        row = snapshot_row(point, self._every, self._steps)
        if row is not None:
            return self._snapshot(row, point)
        return self.read(point, point + 1).params[0]

    def read(self, start: int, stop: int) -> PathSteps:
        """Return the steps `[start, stop)`; intervals they lie in are replayed unless held."""
        firsts = range(start - start % self._every, stop, self._every)
        pieces = [self._piece(first, start, stop) for first in firsts]
        if len(pieces) == 1:
            return pieces[0]
        params = [piece.params[:-1] for piece in pieces[:-1]] + [pieces[-1].params]
        moments = [piece.second_moment for piece in pieces if piece.second_moment is not None]
        return PathSteps(torch.cat(params), torch.cat(moments) if moments else None)

    def _piece(self, first: int, start: int, stop: int) -> PathSteps:
        """Return the steps of `[start, stop)` in the interval that begins at `first`."""
        if self._held is None or self._held[0] != first:
            self._held = None  # its memory is needed
            self._held = first, self._replay(first)
        held = self._held[1]
        low, high = max(start - first, 0), min(stop - first, len(held.params) - 1)
        moments = None if held.second_moment is None else held.second_moment[low:high]
        return PathSteps(held.params[low : high + 1], moments)

    def _replay(self, first: int) -> PathSteps:
        """Return the interval that begins at a snapshot, trained again."""
        stop = min(first + self._every, self._steps)
        logger.debug("replay of steps %d to %d", first, stop)
        row = first // self._every
        theta = self._snapshot(row, first)
        params = theta.new_empty(stop - first + 1, len(theta))
        params[0] = theta
        optimizer = self._replayer.start(theta, self._state(row), first)
        moments = torch.empty_like(params[1:]) if has_second_moment(optimizer) else None
        parameters = self._replayer.parameters
        with same_threads():
            for step in range(first, stop):
                record = self._record(step)
                torch.set_num_threads(record.threads)
                earlier = earlier_states(optimizer, parameters)
                self._replayer.take(optimizer, record)
                params[step + 1 - first] = self._layout.flatten(parameters)
                if moments is not None:
                    moment = second_moment(optimizer, parameters, self._layout, earlier)
                    moments[step - first] = moment
                self._check_step(step, params[step + 1 - first])
        params[-1] = self._next_snapshot(params[0], params[-1], first, stop)
        return PathSteps(params, moments)

    def _record(self, step: int) -> StepRecord:
        of = self._steps_of
        batch = of["batch"][step]
        filled = batch != EMPTY
        return StepRecord(
            number=step,
            batch=torch.from_numpy(batch[filled].astype(np.int64)),
            weights=torch.from_numpy(self._weights[step][filled]),
            passes=self._passes.of_step(step),
            options=of["setting"][step],
            clip=float(of["clip"][step]),
            threads=int(of["threads"][step]),
        )

    def _state(self, row: int) -> Mapping[str, Tensor]:
        return {
            name.removeprefix("state_"): torch.from_numpy(self._dataset[name][row].values)
            for name in self._states
        }

    def _snapshot(self, row: int, point: int) -> Tensor:
        """Read a snapshot.

        Args:
            row: its row in the store.
            point: its point of the path.

        Returns:
            The parameters.

        Raises:
            RecordingError: if they have another checksum than was recorded.
        """
        params: np.ndarray = self._dataset["params"][row].values
        if vector_checksum(params) != self._steps_of["params_checksum"][point]:
            raise RecordingError(
                f"{self._path}: the snapshot of step {point} has another checksum than was"
                " recorded: it was changed or damaged. Record the run again."
            )
        return torch.from_numpy(params)

    def _check_step(self, step: int, theta: Tensor) -> None:
        """Refuse a replayed step that is not bit for bit the recorded one.

        Args:
            step: the step.
            theta: the parameters behind it.

        Raises:
            RecordingError: naming the step and what to do.
        """
        expected = self._steps_of["params_checksum"][step + 1]
        if self._exact and vector_checksum(to_row(theta)) != expected:
            first, recorded = step - step % self._every, self._dataset.attrs["environment"]
            raise RecordingError(
                f"{self._path}: replayed from the snapshot of step {first}, step {step} leads to"
                " other parameters than were recorded (checksum). Expected the model, loss_fn,"
                " penalty and train_data of the training loop, whose loss is a mean or sum of"
                " loss_fn(model(x), y) plus the penalty, clipped as a whole. Give these."
                f" Recorded with {recorded}; this is {environment()}: if that differs, explain"
                " where it was recorded. If nothing differs, the snapshot is damaged: record the"
                " run again (every=1 needs no replay)."
            )

    def _next_snapshot(self, start: Tensor, end: Tensor, first: int, stop: int) -> Tensor:
        """Hold the ends of a replayed interval against the next snapshot.

        Args:
            start: parameters at the snapshot that was replayed from.
            end: parameters that the replay led to.
            first: first step of the interval.
            stop: one past its last step.

        Returns:
            The recorded parameters, to be taken instead of `end`.

        Raises:
            RecordingError: if the replay is further off than `DEVICE_TOLERANCE`.
        """
        row = snapshot_row(stop, self._every, self._steps)
        assert row is not None  # an interval ends at a snapshot
        recorded = self._snapshot(row, stop)
        error = float((end - recorded).norm())
        motion = float((recorded - start).norm())
        if not error <= DEVICE_TOLERANCE * motion:
            raise RecordingError(
                f"{self._path}: replayed from the snapshot of step {first}, the parameters before"
                f" step {stop} are off by {error / (motion or 1.0):.1e} of the motion since,"
                f" expected at most {DEVICE_TOLERANCE:g}. Give the model, loss_fn, penalty and"
                " train_data of the training loop. If these are the same, the device sums in"
                " random order: record with every=1 or fewer steps between snapshots."
            )
        return recorded
