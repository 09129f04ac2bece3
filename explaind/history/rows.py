"""The rows of a history that describe parameters and optimizer, full or thinned."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.history.checksums import vector_checksum
from explaind.history.optimizer_options import check_switches, option_names, options, switches
from explaind.history.optimizer_state import state_names, state_vectors
from explaind.history.state import TrainingState

Rows = dict[str, np.ndarray]
SampleTypes = dict[str, list[str]]
"""Type names of the tensors that make up the `x` and the `y` of a batch."""


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

    def attributes(self, sample_types: SampleTypes) -> dict[str, Any]:
        """Nothing: a full history is not replayed."""
        return {}

    def before_step(self, step: int, theta: Float[Tensor, " param"]) -> Rows:
        """The parameters."""
        return {"params": to_row(theta)}

    def after_step(self, max_norm: float) -> Rows:
        """The second moment, if there is one."""
        found = self._state.second_moment() if self._state.adaptive else None
        return {} if found is None else {"second_moment": to_row(found)}

    def at_end(self, theta: Float[Tensor, " param"]) -> Rows:
        """The parameters."""
        return {"params": to_row(theta)}


class ThinnedRows:
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
        self.states = state_names(state.optimizer)
        self.options = option_names(state.optimizer)
        self._switches = switches(state.optimizer)

    def attributes(self, sample_types: SampleTypes) -> dict[str, Any]:
        """What a replay needs besides the arrays, JSON only."""
        parameters = self._state.parameters.values()
        return {
            "switches": self._switches,
            "tensor_dtypes": [dtype_name(parameter) for parameter in parameters],
            "sample_dtypes": sample_types,
            "device": next(iter(parameters)).device.type,
            "environment": environment(),
        }

    def before_step(self, step: int, theta: Float[Tensor, " param"]) -> Rows:
        """Checksum, options and threads; where a snapshot is due, parameters and state."""
        check_switches(self._state.optimizer, self._switches, step)
        row = to_row(theta)
        rows = {
            "params_checksum": np.array(vector_checksum(row)),
            "setting": options(self._state.optimizer, self.options),
            "threads": np.array(torch.get_num_threads()),
        }
        return rows | (self._snapshot(row) if step % self._every == 0 else {})

    def after_step(self, max_norm: float) -> Rows:
        """What the gradient was clipped to."""
        return {"max_norm": np.array(max_norm)}

    def at_end(self, theta: Float[Tensor, " param"]) -> Rows:
        """The last snapshot."""
        row = to_row(theta)
        return {"params_checksum": np.array(vector_checksum(row)), **self._snapshot(row)}

    def _snapshot(self, params: np.ndarray) -> Rows:
        state = self._state
        vectors = state_vectors(state.optimizer, self.states, state.parameters, state.layout)
        return {"params": params} | {
            f"state_{name}": to_row(vector.to(state.stored_dtype))
            for name, vector in vectors.items()
        }


PathRows = FullRows | ThinnedRows


def to_row(vector: Tensor) -> np.ndarray:
    """A flat vector as a numpy row on the CPU."""
    return vector.detach().cpu().numpy()


def dtype_name(tensor: Tensor) -> str:
    """Name of a tensor's type in torch, `float32` say."""
    return str(tensor.dtype).removeprefix("torch.")


def environment() -> str:
    """What rounding may depend on besides the number of threads."""
    return f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
