"""The state of a training run that a recorder watches, model and optimizer, and its files.

Beside the arrays of a history store lie the constant tensors, and while it is being written the
state to resume from.
"""

import io
import logging
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.errors import DamagedStoreError, RecordingError, UnsupportedError
from explaind.files import replacing
from explaind.history.guards import check_batch_norm
from explaind.history.layout import ParameterLayout
from explaind.history.optimizer_step import (
    divides_gradient,
    earlier_states,
    first_moment,
    has_second_moment,
    second_moment,
    tensor_coefficients,
)
from explaind.history.optimizers import check_optimizer
from explaind.history.random_state import generator_state, set_generator_state
from explaind.paths import FILES

logger = logging.getLogger(__name__)

CHECKPOINT = f"{FILES}/checkpoint.pt"
CONSTANTS = f"{FILES}/constants.pt"
FIRST_MOMENT = f"{FILES}/first_moment.pt"
CHECKSUM_BYTES = 4


class TrainingState:
    """A model and its optimizer, read as flat vectors and checked for what cannot be recorded.

    Args:
        model: the model.
        optimizer: its optimizer.
        components: component name by parameter tensor.

    Attributes:
        model: the model.
        layout: how the trained tensors lie in the flat vector.
        optimizer: the optimizer.
        adaptive: whether the optimizer keeps a second moment.
        divides_gradient: whether it divides gradients before they enter its momentum.
        parameters: the trained tensors by name.
        constants: copies of frozen parameters and buffers.
        stored_dtype: float64 if a trained tensor is, else float32.
        taken: number of steps that each tensor has taken; torch skips one without a gradient.

    Raises:
        UnsupportedError: for an optimizer outside the table, or parameters of another type.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        components: Mapping[str, str] | None,
    ) -> None:
        check_optimizer(optimizer)
        self.model = model
        self.layout = ParameterLayout.of(model, optimizer, components)
        self.adaptive = has_second_moment(optimizer)
        self.divides_gradient = divides_gradient(optimizer)
        self.optimizer = optimizer
        named = dict(model.named_parameters())
        self.parameters = {slot.name: named[slot.name] for slot in self.layout.slots}
        self._group_sizes = self._sizes_of_groups()
        self.constants = self._constant_tensors()
        _check_types(self.parameters)
        kinds = {parameter.dtype for parameter in self.parameters.values()}
        self.stored_dtype = torch.float64 if torch.float64 in kinds else torch.float32
        self.taken = self._steps_taken()
        self._earlier: dict[str, dict[str, Tensor]] = {}
        self._generators: Tensor | None = None  # of a checkpoint, until they are put back

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(iter(self.parameters.values())).device

    def theta(self, into: Float[Tensor, " param"] | None = None) -> Float[Tensor, " param"]:
        """Return a copy of the parameters as one flat vector of the stored type.

        Args:
            into: an earlier copy to overwrite.

        Returns:
            The vector.
        """
        return self.layout.flatten(self.parameters, into)

    def moved_from(self, theta: Float[Tensor, " param"]) -> bool:
        """Return whether any parameter differs from a flat vector."""
        values = self.layout.unflatten(theta)
        # tensor by tensor: a flat copy of a large model would take longer than comparing it
        differs = [(now != values[name]).any() for name, now in self.parameters.items()]
        return bool(torch.stack(differs).any())

    def warn_if_moved(self, theta: Float[Tensor, " param"], steps: int) -> None:
        """Warn of parameters that changed after the last recorded step.

        Args:
            theta: parameters after that step.
            steps: number of recorded steps.
        """
        if self.moved_from(theta):
            logger.warning(
                "the parameters changed after step %d, the last one recorded: by another optimizer,"
                " or because others were loaded. What is explained is the network after that step.",
                steps - 1,
            )

    def second_moment(self) -> Float[Tensor, " param"]:
        """Return what the step just taken divided by, as one flat vector."""
        moment = second_moment(self.optimizer, self.parameters, self.layout, self._earlier)
        return moment.to(self.stored_dtype)

    def first_moment(self) -> Float[Tensor, " param"] | None:
        """Return the momentum that the coming step begins with; None without one."""
        moment = first_moment(self.optimizer, self.parameters, self.layout)
        return None if moment is None else moment.to(self.stored_dtype)

    def coefficients(self) -> Float[np.ndarray, "tensor scalar"]:
        """Return the scalars of the optimizer rule for the coming step."""
        check_optimizer(self.optimizer)  # options may have changed
        self._earlier = earlier_states(self.optimizer, self.parameters)
        return tensor_coefficients(self.optimizer, self.parameters, self.layout, self.taken)

    def count_step(self) -> None:
        """Count the step just taken, by all tensors that have a gradient."""
        for name, parameter in self.parameters.items():
            self.taken[name] += parameter.grad is not None

    def checkpoint(self) -> dict[str, Any]:
        """Return what `restore` needs."""
        model = {name: parameter.detach() for name, parameter in self.parameters.items()}
        drawn = generator_state(self.device)
        return {"model": model, "optimizer": self.optimizer.state_dict(), "generators": drawn}

    @torch.no_grad()
    def restore(self, checkpoint: Mapping[str, Any]) -> None:
        """Put model and optimizer back to a checkpoint."""
        for name, value in checkpoint["model"].items():
            self.parameters[name].copy_(value)
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.taken = self._steps_taken()
        self._generators = checkpoint["generators"].cpu()

    def draw_on(self) -> None:
        """Put torch's generators back to the checkpoint as well, once: with the first batch.

        Setting up a loop again (a model, an iterator over a loader) draws before.
        """
        if self._generators is not None:
            set_generator_state(self._generators, self.device)
            self._generators = None

    def check_before_step(self, step: int) -> None:
        """Refuse a batch-mixing model and new parameters.

        Args:
            step: the step, for the message.

        Raises:
            RecordingError: with the number of tensors in each group.
        """
        check_batch_norm(self.model, step)
        if (sizes := self._sizes_of_groups()) != self._group_sizes:
            raise RecordingError(
                f"The optimizer has groups of {sizes} tensors at step {step}, expected"
                f" {self._group_sizes} as when the recording began. Give it all groups before; a"
                " learning rate of 0 keeps one still."
            )

    def check_gradients(self, step: int) -> None:
        """Refuse parameters that the coming step skips.

        Args:
            step: the step, for the message.

        Raises:
            RecordingError: naming the parameter.
        """
        for name, parameter in self.parameters.items():
            if parameter.grad is None:
                raise RecordingError(
                    f"Parameter '{name}' has no gradient at step {step}: the optimizer would skip"
                    " it, and a checkpointed history does not count the steps of single tensors."
                    " Freeze it with requires_grad_(False), or record with every=1."
                )

    def check_constants(self, step: int) -> None:
        """Refuse changes of frozen parameters and buffers.

        Args:
            step: the step, for the message.

        Raises:
            RecordingError: naming the tensor.
        """
        now = self._constant_tensors()
        for name, before in self.constants.items():
            if not torch.equal(before, now[name]):
                raise RecordingError(
                    f"'{name}' is not trained by the optimizer but changed before step {step}."
                    " Buffers and frozen parameters must stay constant while recording."
                )

    def _steps_taken(self) -> dict[str, int]:
        states = {name: self.optimizer.state.get(p, {}) for name, p in self.parameters.items()}
        return {name: int(state.get("step", 0)) for name, state in states.items()}

    def _sizes_of_groups(self) -> list[int]:
        return [len(group["params"]) for group in self.optimizer.param_groups]

    def _constant_tensors(self) -> dict[str, Tensor]:
        trained = {id(parameter) for parameter in self.parameters.values()}
        tensors = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        return {name: t.detach().clone() for name, t in tensors.items() if id(t) not in trained}


def _check_types(parameters: Mapping[str, nn.Parameter]) -> None:
    """Refuse parameters that are neither float32 nor float64.

    Args:
        parameters: the trained tensors by name.

    Raises:
        UnsupportedError: naming the tensor, its type and what to do.
    """
    remedy = {
        True: "Train real parameters, the real and the imaginary part say (torch.view_as_complex).",
        False: "Updates are rounded to the parameter's few digits, which no sample can be credited"
        " with. Keep parameters in float32 and train with torch.autocast.",
    }
    for name, parameter in parameters.items():
        if parameter.dtype not in (torch.float32, torch.float64):
            raise UnsupportedError(
                f"Parameter '{name}' is {str(parameter.dtype).removeprefix('torch.')}; expected"
                f" float32 or float64. {remedy[parameter.dtype.is_complex]}"
            )


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors and plain values atomically, readable with `weights_only=True`.

    A checksum follows them: torch itself returns tensors that were changed on disk.

    Args:
        path: the file.
        state: tensors and values by name.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        content = _Summed(file)
        try:
            torch.save(dict(state), content)  # type: ignore[arg-type]  # what it needs of a file
        except RuntimeError as error:  # torch's own words for a file that cannot be written
            raise content.error or error from None
        file.write(content.checksum())


def load_state(path: Path, device: str | torch.device = "cpu") -> dict[str, Any]:
    """Read what `save_state` wrote.

    Args:
        path: the file.
        device: where its tensors are returned.

    Returns:
        The tensors and values.

    Raises:
        DamagedStoreError: if the file is missing or corrupted.
    """
    remedy = "Run the rule `train` again."
    if not path.is_file():
        raise DamagedStoreError(f"{path} is missing. {remedy}", path.parent)
    content = path.read_bytes()
    body, checksum = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
    if checksum != zlib.crc32(body).to_bytes(CHECKSUM_BYTES, "little"):
        raise DamagedStoreError(f"{path} is corrupted. {remedy}", path.parent)
    state: dict[str, Any] = torch.load(io.BytesIO(body), map_location=device, weights_only=True)
    return state


class _Summed:
    """Passes bytes on to a file as they come, and keeps their checksum.

    Attributes:
        error: why the file could not be written, if it could not.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._value = file, 0
        self.flush = file.flush
        self.error: OSError | None = None

    def write(self, content: bytes | memoryview) -> int:
        """Write bytes, and return how many they are."""
        self._value = zlib.crc32(content, self._value)
        try:
            return self._file.write(content)
        except OSError as error:
            self.error = error
            raise

    def checksum(self) -> bytes:
        """Return the crc32 of all bytes, as it stands behind them."""
        return self._value.to_bytes(CHECKSUM_BYTES, "little")
