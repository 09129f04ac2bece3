"""Reading a recorded training path, one block of steps at a time."""

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Float64, Int
from torch import Tensor

from explaind.errors import RecordingError, StoreError
from explaind.history.forward_passes import ForwardPass, ForwardPasses
from explaind.history.layout import ParameterLayout
from explaind.history.optimizers import COEFFICIENTS
from explaind.history.replay.replayed_path import PathSteps, ReplayedPath
from explaind.history.replay.replayer import TrainingSetup
from explaind.history.schema import Reduction
from explaind.history.state import CONSTANTS, FIRST_MOMENT, load_state
from explaind.history.wrappers import names_in
from explaind.store import open_sealed

_COLUMN = {name: position for position, name in enumerate(COEFFICIENTS)}

Scale = float | Float[Tensor, " param"]
"""A number for all parameters, or one for each."""


class Preconditioner(NamedTuple):
    """The diagonal `P_s` at the place where the optimizer multiplies by it, 1 at the other.

    Attributes:
        of_gradient: what multiplies the gradient before it enters the momentum.
        of_step: what multiplies momentum and gradient in the step.
    """

    of_gradient: Scale
    of_step: Scale


@dataclass(frozen=True)
class Block:
    """Consecutive steps `[start, stop)` of a history, in memory.

    Attributes:
        start: first step.
        stop: one past the last step.
        params: `theta_s` for `s = start..stop` (one row more than steps).
        second_moment: second moment that step `s` divided by; None without one.
    """

    start: int
    stop: int
    params: Float[Tensor, "points param"]
    second_moment: Float[Tensor, "steps param"] | None

    def theta(self, step: int) -> Float[Tensor, " param"]:
        """Return the parameters before `step` (also for `step == stop`)."""
        return self.params[step - self.start]

    def increment(self, step: int) -> Float[Tensor, " param"]:
        """Return `Delta_s = theta_{s+1} - theta_s`."""
        return self.theta(step + 1) - self.theta(step)


class StoredPath:
    """The parameters of a full history, read from the store.

    Args:
        dataset: the opened history.
        steps: number of steps.
    """

    def __init__(self, dataset: xr.Dataset, steps: int) -> None:
        self._dataset, self._steps = dataset, steps

    @property
    def block_length(self) -> int:
        """Steps per block: whole chunks, at least the square root of the number of steps.

        The motion of regularisation keeps one vector per block; with `sqrt(S)` steps a block both
        stay small.
        """
        chunk = int(self._dataset["params"].encoding["chunks"][0])
        return chunk * math.ceil(math.sqrt(self._steps) / chunk)

    def theta(self, point: int) -> Float[Tensor, " param"]:
        """Return the parameters at a point of the path."""
        return self._rows("params", point, point + 1)[0]

    def read(self, start: int, stop: int) -> PathSteps:
        """Return the steps `[start, stop)`."""
        adaptive = "second_moment" in self._dataset
        moments = self._rows("second_moment", start, stop) if adaptive else None
        return PathSteps(self._rows("params", start, stop + 1), moments)

    def _rows(self, name: str, start: int, stop: int) -> Tensor:
        return torch.from_numpy(self._dataset[name][start:stop].values)


class History:
    """A sealed history store.

    It is refused if it is missing, unsealed, truncated or of another configuration (`StoreError`).

    Args:
        path: folder of the store.
        dtype: floating type that parameters are returned in; None = as they were recorded.
        device: where they are returned.
        config: if given, the stage configuration the store must have been made with.
        components: component name by parameter tensor, in place of the recorded ones.

    Attributes:
        layout: how the trained tensors lie in the parameter vector.
        steps: number of optimizer steps, `S`.
        stored_dtype: floating type of the recorded parameters.
        dtype: floating type that parameters are returned in.
        device: where tensors are returned.
        reduction: how the loop reduced the per-sample losses of a batch.

    Raises:
        StoreError: for a history of an earlier version.
    """

    def __init__(
        self,
        path: Path,
        dtype: torch.dtype | None = None,
        device: str | torch.device = "cpu",
        config: dict[str, Any] | None = None,
        components: Mapping[str, str] | None = None,
    ) -> None:
        self._path, self._dataset = path, open_sealed(path, config, rule="train" if config else "")
        double = self._dataset["params"].dtype == np.float64
        self.stored_dtype = torch.float64 if double else torch.float32
        self.dtype, self.device = dtype or self.stored_dtype, device
        recorded = ParameterLayout.from_json(self._dataset.attrs["tensors"])
        self.layout = recorded.with_components(components or {})
        self.steps = int(self._dataset.attrs["steps"])
        self.reduction: Reduction = self._dataset.attrs["reduction"]
        self._coefficient = self._dataset["coefficient"].values
        self._clip = self._dataset["clip"].values
        if not {"weight", "forward_pass"} <= set(self._dataset):
            raise StoreError(
                f"{path} was recorded by an earlier version: weights or forward passes of samples"
                " are missing. Run the rule `train`, or record the training, again."
            )
        self._batch = self._dataset["batch"].values
        self._weight = self._dataset["weight"].values
        self._passes = ForwardPasses(self._dataset)
        self._names: Mapping[str, str] = {}
        self._source: StoredPath | ReplayedPath | None = None
        if self._dataset.attrs.get("every", 1) == 1:
            self._source = StoredPath(self._dataset, self.steps)

    def with_setup(self, setup: TrainingSetup) -> "History":
        """Give the history what it was recorded with; another model is refused (`ConfigError`).

        Args:
            setup: model, loss, data and penalty of the training.

        Returns:
            The same history with the tensors named as in the model. A checkpointed one can then
            replay the steps between its snapshots.
        """
        history = copy.copy(self)
        history._names = names = names_in(setup.model, self.layout, self.constants())
        history.layout = self.layout.renamed(names)
        if not isinstance(self._source, StoredPath):
            history._source = ReplayedPath(self._path, self._dataset, setup, names)
        return history

    @property
    def augmented(self) -> bool:
        """Whether the inputs were augmented while recording."""
        return bool(self._dataset.attrs.get("augmented", False))

    @property
    def penalised(self) -> bool:
        """Whether the loop added a penalty to its loss."""
        return bool(self._dataset.attrs.get("penalised", False))

    @property
    def drawn_on(self) -> str | None:
        """The type of device whose random numbers were recorded; None if none were."""
        name: str | None = self._dataset.attrs.get("random", {}).get("device")
        return name

    @property
    def training_modules(self) -> list[str] | None:
        """Names of the modules in training mode in a model that drew random numbers; else None."""
        names: list[str] | None = self._dataset.attrs.get("random", {}).get("training")
        return names

    @property
    def checksums_in_batches(self) -> bool:
        """Whether samples were seen only in the batches that they were first in."""
        return bool(self._dataset.attrs.get("checksums_in_batches", False))

    @property
    def concatenated(self) -> bool:
        """Whether batches hold several rows of a sample, which is then collated alone."""
        return bool(self._dataset.attrs["room"].get("concatenated", False))

    @property
    def autocast(self) -> str | None:
        """The type that autocast computed outputs in while recording; None without."""
        name: str | None = self._dataset.attrs.get("autocast")
        return name

    @property
    def loss_dtype(self) -> str | None:
        """The type of the losses that the model itself returned, if coarser than its parameters."""
        name: str | None = self._dataset.attrs.get("loss_dtype")
        return name

    @property
    def carried(self) -> bool:
        """Whether the optimizer had momentum before the first step."""
        return bool(self._dataset.attrs.get("carried", False))

    def constants(self) -> dict[str, Tensor]:
        """Return frozen parameters and buffers by name; floating ones in the history's dtype."""
        tensors = load_state(self._path / CONSTANTS, self.device)
        return {
            self._names.get(name, name): (
                tensor.to(self.dtype) if tensor.is_floating_point() else tensor
            )
            for name, tensor in tensors.items()
        }

    def batch(self, step: int) -> Int[Tensor, " batch"]:
        """Return the training-sample indices of the batch of this step, on the CPU."""
        row = self._batch[step]
        return torch.from_numpy(row[row >= 0].astype(np.int64))

    def sample_checksums(self) -> np.ndarray:
        """Return the checksum of every training sample, `UNSEEN` if in no batch."""
        checksums: np.ndarray = self._dataset["sample_checksum"].values
        return checksums

    def sample_weights(self, step: int) -> Float64[Tensor, " batch"]:
        """Return `w_{s,i}`, the weight of each sample of the batch in the loss, on the CPU."""
        return torch.from_numpy(self._weight[step][self._batch[step] >= 0])

    def forward_passes(self, step: int) -> list[ForwardPass]:
        """Return the forward passes of a step, with the random numbers they drew."""
        return self._passes.of_step(step)

    def clip(self, step: int) -> float:
        """Return `kappa_s`, the gradient-clipping factor."""
        return float(self._clip[step])

    def uses(self, coefficient: str) -> bool:
        """Return whether a coefficient is nonzero at any step."""
        return bool((self._coefficient[:, :, _COLUMN[coefficient]] != 0).any())

    def coefficient(self, name: str, step: int) -> Scale:
        """Return a scalar of the optimizer rule; a float64 vector where tensors differ."""
        return self._by_tensor(self._coefficient[step, :, _COLUMN[name]])

    def first_moment(self) -> Float[Tensor, " param"] | None:
        """Return the momentum that the first step began with; None if there was none."""
        if not self.carried:
            return None
        return self._converted(load_state(self._path / FIRST_MOMENT)["first_moment"])

    def kept_momentum(self, step: int) -> Scale:
        """Return the share of the momentum before the first step that is left behind a step."""
        return self._by_tensor(self._coefficient[: step + 1, :, _COLUMN["mu"]].prod(0))

    def _by_tensor(self, values: Float64[np.ndarray, " tensor"]) -> Scale:
        if (values == values[0]).all():
            return float(values[0])
        vector = torch.empty(self.layout.size, dtype=torch.float64, device=self.device)
        for slot, value in zip(self.layout.slots, values.tolist(), strict=True):
            vector[slot.start : slot.stop] = value
        return vector

    def largest(self, name: str, step: int) -> float:
        """Return the largest value of a scalar of the optimizer rule over the tensors."""
        return float(self._coefficient[step, :, _COLUMN[name]].max())

    def preconditioner(self, block: Block, step: int) -> Preconditioner:
        """Return the diagonal `P_s = 1 / (sqrt(v / second_bias) + eps)`, float64; 1 without one."""
        if block.second_moment is None:
            return Preconditioner(1.0, 1.0)
        moment = block.second_moment[step - block.start].to(torch.float64, copy=True)
        bias, eps = self.coefficient("second_bias", step), self.coefficient("eps", step)
        diagonal = moment.div_(bias).sqrt_().add_(eps).reciprocal_()
        if self._dataset.attrs.get("divides_gradient", False):
            return Preconditioner(diagonal, 1.0)
        return Preconditioner(1.0, diagonal)

    def blocks(
        self, reverse: bool = False, first: int = 0, stop: int | None = None
    ) -> Iterator[Block]:
        """Yield the history in blocks of steps, forward or backward in time.

        Args:
            reverse: whether the last block comes first.
            first: a step of the first block.
            stop: one past a step of the last block; by default the end of the run.

        Yields:
            The blocks.
        """
        length, stop = self.block_length, self.steps if stop is None else stop
        starts = range(first - first % length, stop, length)
        for start in reversed(starts) if reverse else starts:
            yield self.read(start, min(start + length, self.steps))

    @property
    def block_length(self) -> int:
        """Steps per block; the checkpoint interval of a checkpointed history."""
        return self._path_source.block_length

    @property
    def replayed(self) -> bool:
        """Whether parameters are replayed from snapshots."""
        return isinstance(self._source, ReplayedPath)

    @cached_property
    def initial(self) -> Float[Tensor, " param"]:
        """The parameters at the first point, read once: self-checks and shapes are taken there."""
        return self.theta(0)

    def theta(self, point: int) -> Float[Tensor, " param"]:
        """Return the parameters at a point `0..S` of the path."""
        return self._converted(self._path_source.theta(point))

    def read(self, start: int, stop: int) -> Block:
        """Return the steps `[start, stop)`; a replay that does not lead there raises an error."""
        params, moments = self._path_source.read(start, stop)
        second = None if moments is None else self._converted(moments)
        return Block(start, stop, self._converted(params), second)

    @property
    def _path_source(self) -> StoredPath | ReplayedPath:
        """Where parameters are read.

        Raises:
            RecordingError: if they have to be replayed and nothing is there to replay them with.
        """
        if self._source is None:
            raise RecordingError(
                f"{self._path} is a checkpointed history: its parameters are replayed with the"
                " model, the loss and the data of the training. Open it through PathKernel."
            )
        return self._source

    def _converted(self, rows: Tensor) -> Tensor:
        if rows.device.type == "cpu" and torch.device(self.device).type == "cuda":
            rows = rows.pin_memory()  # twice as fast to copy, and without stopping the GPU
        return rows.to(device=self.device, non_blocking=True).to(dtype=self.dtype)
