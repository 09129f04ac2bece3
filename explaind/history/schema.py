"""The arrays of a history store, full or checkpointed, and the rows recorded for them.

Layout of `history.zarr` (dims; one row per step unless said otherwise):

| array | dims | meaning |
|---|---|---|
| params | step_point, param | parameters `theta_s`, `s = 0..S` (one row more than steps) |
| second_moment | step, param | what the step divided by (Adam-like optimizers only) |
| coefficient | step, tensor, scalar | the scalars of `history.optimizers.COEFFICIENTS` |
| clip | step | gradient-clipping factor `kappa_s` |
| metric_{name} | step_point | a logged number that describes `theta_s` |
| sample_checksum | sample | checksum of every training sample, -1 = never in a batch |
| batch | step, slot | training-sample index in each batch slot, -1 where a batch is shorter |
| weight | step, slot | weight of that sample in the loss, `w_{s,i}` |
| forward_pass | step, slot | number of the forward pass that the sample was in, -1 = empty |
| random_state | step, pass, source, byte | state of torch's generators before `source` drew, \
  0 = it did not (only where something draws: attribute `sources`) |

A checkpointed history has no `second_moment`, and in place of all parameters

| array | dims | meaning |
|---|---|---|
| params | snapshot, param | `theta_s` at `s = 0, every, 2 every, ...` and at `S` |
| state_{name} | snapshot, param | the optimizer's state there, NaN where it keeps none |
| params_checksum | step_point | crc32c of the stored bytes of `theta_s` |
| setting | step, group, option | the options of the optimizer |
| threads | step | threads of torch, on which sums of float32 depend |

Beside them `files/constants.pt` (frozen parameters and buffers), `files/first_moment.pt` if the
optimizer had momentum before the first step (attribute `carried`), and until the store is sealed
`files/checkpoint.pt`: the model and optimizer state at a recent chunk boundary, from which an
interrupted run goes on.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.history.batches import Batch
from explaind.history.checksums import vector_checksum
from explaind.history.forward_passes import Room
from explaind.history.optimizer_state import (
    check_flags,
    flags,
    option_names,
    option_values,
    product_dtype,
    state_names,
    state_vectors,
)
from explaind.history.optimizers import COEFFICIENTS
from explaind.history.state import TrainingState
from explaind.store import ArraySpec
from explaind.trees import leaves

Reduction = Literal["mean", "sum"]
"""How a loop makes one number of the per-sample losses of a batch."""

Rows = dict[str, np.ndarray]
"""One row by array name."""

CHECKSUMS_PER_CHUNK = 2**16


@dataclass(frozen=True)
class HistorySchema:
    """What the arrays of a history store depend on.

    Attributes:
        parameters: number of parameters.
        dtype: numpy type of the parameters.
        tensors: number of trained tensors.
        groups: number of parameter groups.
        adaptive: whether the optimizer keeps a second moment.
        chunk: steps per chunk, a multiple of `every`.
        every: steps between snapshots; 1 = every point is stored.
        room: what the rows of a step have room for.
        metrics: names of the numbers logged for each point of the path.
        states: names of the tensors that the optimizer keeps for each parameter.
        options: names of the optimizer's numeric options.
    """

    parameters: int
    dtype: str
    tensors: int
    groups: int
    adaptive: bool
    chunk: int
    every: int
    room: Room
    metrics: tuple[str, ...]
    states: tuple[str, ...]
    options: tuple[str, ...]

    def arrays(self) -> dict[str, ArraySpec]:
        """Return the arrays by name, all with zero rows."""
        return self._common() | (self._full() if self.every == 1 else self._checkpointed())

    def steps_per_row(self, array: str) -> int:
        """Return the steps between rows of an array: 1, or `every` for the snapshots."""
        return self.every if self.arrays()[array].dims[0] == "snapshot" else 1

    def _common(self) -> dict[str, ArraySpec]:
        scalars, slots = (self.tensors, len(COEFFICIENTS)), (self.room.slots,)
        logged = {
            f"metric_{name}": self._steps(f"{name} at theta_s", (), point=True)
            for name in self.metrics
        }
        return (
            logged
            | self._random()
            | {
                "coefficient": self._steps("scalars of the rule", scalars, ("tensor", "scalar")),
                "clip": self._steps("gradient-clipping factor"),
                "batch": self._steps(
                    "training-sample index, -1 = empty", slots, ("slot",), "int32"
                ),
                "weight": self._steps("weight in the loss", slots, ("slot",)),
                "forward_pass": self._steps("forward pass in the step", slots, ("slot",), "int32"),
                "sample_checksum": ArraySpec(
                    ("sample",), (0,), (CHECKSUMS_PER_CHUNK,), "int64", "1", "crc32, -1 = unseen"
                ),
            }
        )

    def _random(self) -> dict[str, ArraySpec]:
        if not self.room.sources:
            return {}
        shape = (self.room.passes, len(self.room.sources), self.room.state_bytes)
        text = "state of the generators before a source drew, 0 = it did not"
        return {"random_state": self._steps(text, shape, ("pass", "source", "byte"), "uint8")}

    def _full(self) -> dict[str, ArraySpec]:
        width = (self.parameters,)
        text = "parameters before step s"
        arrays = {"params": self._steps(text, width, ("param",), self.dtype, point=True)}
        if self.adaptive:
            text = "second moment after step s"
            arrays["second_moment"] = self._steps(text, width, ("param",), self.dtype)
        return arrays

    def _checkpointed(self) -> dict[str, ArraySpec]:
        options = (self.groups, len(self.options))
        states = {
            f"state_{name}": self._snapshots(f"{name}, NaN = none kept") for name in self.states
        }
        return states | {
            "params": self._snapshots("parameters at the snapshots"),
            "params_checksum": self._steps("crc32c of theta_s", kind="int64", point=True),
            "setting": self._steps("options of the optimizer", options, ("group", "option")),
            "threads": self._steps("threads of torch", kind="int32"),
        }

    def _steps(
        self,
        text: str,
        shape: tuple[int, ...] = (),
        dims: tuple[str, ...] = (),
        kind: str = "float64",
        *,
        point: bool = False,
    ) -> ArraySpec:
        """Return an array with a row for every step, or for every point between steps."""
        first = "step_point" if point else "step"
        return ArraySpec((first, *dims), (0, *shape), (self.chunk, *shape), kind, "1", text)

    def _snapshots(self, text: str) -> ArraySpec:
        rows, width = self.chunk // self.every, self.parameters
        return ArraySpec(("snapshot", "param"), (0, width), (rows, width), self.dtype, "1", text)


class FullRows:
    """All parameters, and the second moment of every step.

    Args:
        state: the training.

    Attributes:
        states: none of the optimizer's tensors are stored.
        options: none of its numeric options are.
    """

    def __init__(self, state: TrainingState) -> None:
        self._state = state
        self.states: tuple[str, ...] = ()
        self.options: tuple[str, ...] = ()

    def attributes(self, batch: Batch) -> dict[str, Any]:
        """Return nothing: a full history is not replayed."""
        return {}

    def before_step(self, step: int, theta: Float[Tensor, " param"]) -> Rows:
        """Return the parameters."""
        return {"params": copied_row(theta)}

    def after_step(self) -> Rows:
        """Return the second moment, if there is one."""
        if not self._state.adaptive:
            return {}
        return {"second_moment": to_row(self._state.second_moment())}

    def at_end(self, theta: Float[Tensor, " param"]) -> Rows:
        """Return the parameters."""
        return {"params": to_row(theta)}


class CheckpointedRows:
    """Parameters and optimizer state now and then; for every step what it takes to repeat it.

    Args:
        state: the training.
        every: steps between snapshots.

    Attributes:
        states: names of the optimizer's tensors that are stored.
        options: names of its numeric options that are.

    Raises:
        UnsupportedError: for an optimizer whose options are tensors.
    """

    def __init__(self, state: TrainingState, every: int) -> None:
        self._state, self._every = state, every
        self.options = option_names(state.optimizer)
        self.states = state_names(state.optimizer)
        self._flags = flags(state.optimizer)

    def attributes(self, batch: Batch) -> dict[str, Any]:
        """Return what a replay needs besides the arrays, JSON only; `batch` is the first."""
        parameters = self._state.parameters.values()
        return {
            "flags": self._flags,
            "product_dtype": dtype_name(product_dtype(self._state.optimizer)),
            "steps_before": list(self._state.taken.values()),
            "tensor_dtypes": [dtype_name(parameter.dtype) for parameter in parameters],
            "sample_dtypes": {
                "x": [dtype_name(leaf.dtype) for leaf in leaves(batch.x)],
                "y": [dtype_name(leaf.dtype) for leaf in leaves(batch.y)],
            },
            "device": next(iter(parameters)).device.type,
            "environment": environment(),
        }

    def before_step(self, step: int, theta: Float[Tensor, " param"]) -> Rows:
        """Return checksum, options and threads; where a snapshot is due, parameters and state."""
        check_flags(self._state.optimizer, self._flags, step)
        self._state.check_gradients(step)
        rows = {
            "params_checksum": np.array(vector_checksum(to_row(theta))),
            "setting": option_values(self._state.optimizer, self.options),
            "threads": np.array(torch.get_num_threads()),
        }
        return rows | (self._snapshot(theta) if step % self._every == 0 else {})

    def after_step(self) -> Rows:
        """Return nothing: it is all known before."""
        return {}

    def at_end(self, theta: Float[Tensor, " param"]) -> Rows:
        """Return the last snapshot."""
        checksum = np.array(vector_checksum(to_row(theta)))
        return {"params_checksum": checksum, **self._snapshot(theta)}

    def _snapshot(self, theta: Float[Tensor, " param"]) -> Rows:
        state = self._state
        vectors = state_vectors(state.optimizer, self.states, state.parameters, state.layout)
        return {"params": copied_row(theta)} | {
            f"state_{name}": to_row(vector.to(state.stored_dtype))
            for name, vector in vectors.items()
        }


PathRows = FullRows | CheckpointedRows


def to_row(vector: Tensor) -> np.ndarray:
    """Return a flat vector as a numpy row on the CPU, where it is there the vector itself."""
    return vector.detach().cpu().numpy()


def copied_row(vector: Tensor) -> np.ndarray:
    """Return a flat vector that will be overwritten as a numpy row on the CPU."""
    return vector.detach().to("cpu", copy=True).numpy()


def dtype_name(dtype: torch.dtype) -> str:
    """Return the name of a type in torch, `float32` say."""
    return str(dtype).removeprefix("torch.")


def environment() -> str:
    """Return what rounding may depend on besides the number of threads."""
    return f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
