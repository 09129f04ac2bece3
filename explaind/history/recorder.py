"""Recording the path of a training run by hooks on its optimizer."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from explaind.errors import DamagedStoreError, RecordingError, StoreError
from explaind.history.batches import Batch, indexed_batches
from explaind.history.checksums import ChecksumTable
from explaind.history.guards import (
    LossFunction,
    check_deterministic_mode,
    check_finite,
    check_separable_loss,
)
from explaind.history.optimizers import COEFFICIENTS
from explaind.history.state import TrainingState
from explaind.history.writer import (
    CHECKPOINT,
    CONSTANTS,
    HistoryWriter,
    history_arrays,
    load_state,
    save_state,
    steps_per_chunk,
    to_row,
)
from explaind.store import StoreWriter, is_sealed, only_writer, remove_store

logger = logging.getLogger(__name__)


def record(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_fn: LossFunction,
    store: str | Path,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    components: Mapping[str, str] | None = None,
    metrics: Iterable[str] = (),
    resume: bool = False,
    attributes: Mapping[str, Any] | None = None,
    max_batch_size: int | None = None,
    chunk: int | None = None,
) -> "Recorder":
    """Record a training loop: a context manager around it.

    The path starts at the parameters found when the optimizer takes its first step. Leaving the
    block without an exception seals the store.

    Args:
        model: any module; deterministic per sample (no active dropout, no batch norm in training
            mode).
        optimizer: a supported optimizer of `torch.optim` that has not taken a step yet.
        loss_fn: `(model output, targets) -> per-sample losses`, shape `[batch]`.
        store: folder of the history store to create.
        reduction: how the loop reduces the per-sample losses of a batch before `backward()`.
        components: component name by parameter tensor; by default the module that holds the tensor.
        metrics: names that `Recorder.log` will be given before each step and at the end.
        resume: go on from the last checkpoint of an unsealed store, restoring model and optimizer.
        attributes: further group attributes of the store, JSON only.
        max_batch_size: largest batch; by default that of the loader or of the first batch.
        chunk: steps per chunk of the store; by default as many as fill about 16 MB.

    Returns:
        The recorder.

    Raises:
        UnsupportedError: for an optimizer outside the table.
        RecordingError: if the optimizer has taken steps already.
        StoreError: if `store` exists and `resume` is false, or it is sealed, or another process is
            recording it.
    """
    return Recorder(
        model,
        optimizer,
        loss_fn,
        Path(store),
        reduction=reduction,
        components=components,
        metrics=tuple(metrics),
        resume=resume,
        attributes=attributes or {},
        max_batch_size=max_batch_size,
        chunk=chunk,
    )


class Recorder:
    """Writes a history store while a loop trains; made by `record`.

    Attributes:
        steps: optimizer steps recorded so far.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss_fn: LossFunction,
        store: Path,
        *,
        reduction: Literal["mean", "sum"],
        components: Mapping[str, str] | None,
        metrics: tuple[str, ...],
        resume: bool,
        attributes: Mapping[str, Any],
        max_batch_size: int | None,
        chunk: int | None,
    ) -> None:
        self._state = TrainingState(model, optimizer, components)
        self._optimizer, self._loss_fn = optimizer, loss_fn
        self._path = store
        layout = self._state.layout
        self._metrics = metrics
        self._attributes = {
            **attributes,
            "stage": "train",
            "reduction": reduction,
            "metrics": list(metrics),
            "optimizer": type(optimizer).__name__,
            "tensors": layout.to_json(),
            "coordinates": {"scalar": list(COEFFICIENTS)},
        }
        self._slots = max_batch_size
        self._chunk = chunk or steps_per_chunk(layout.size, self._state.dtype.itemsize)
        self.steps = 0
        self._batch: Tensor | None = None
        self._clip = 1.0
        self._logged: dict[str, float] = {}
        self._theta: Tensor | None = None
        self._coefficients = np.empty(0)
        self._checked_loss = False
        self._checksums = ChecksumTable()
        self._handles: list[Any] = []
        self._lock = ExitStack()
        self._lock.enter_context(only_writer(store))
        self._writer = self._resumed_writer() if resume else None
        if self._writer is None:
            self._state.check_fresh()
            if store.exists():
                raise StoreError(f"{store} exists already. Remove it, or pass resume=True.")

    def __enter__(self) -> "Recorder":
        self._handles = [
            self._optimizer.register_step_pre_hook(self._before_step),
            self._optimizer.register_step_post_hook(self._after_step),
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()
        with self._lock:
            if kind is None:
                self._finish()

    def batches(self, loader: Iterable[Any]) -> Iterator[Batch]:
        """Yield the batches of a loader once and remember the samples of each.

        Args:
            loader: a `DataLoader` over a map-style dataset of `(x, y)`, or an iterable of `Batch`.

        Yields:
            The batches, with `x`, `y` and the dataset `index` of each sample.

        Raises:
            RecordingError: if two batches are drawn for one optimizer step (gradient accumulation).
        """
        if isinstance(loader, torch.utils.data.DataLoader):
            self._slots = self._slots or loader.batch_size
            loader = indexed_batches(loader)
        for batch in loader:
            if self._batch is not None:
                raise RecordingError(
                    f"A second batch was drawn before step {self.steps} was taken. Gradient"
                    " accumulation is not supported: take one optimizer step per batch."
                )
            if not self._checked_loss:
                check_deterministic_mode(self._state.model, self.steps)
                check_separable_loss(self._state.model, self._loss_fn, batch.x, batch.y)
                self._checked_loss = True
            self._checksums.see(batch.index, batch.x, batch.y)
            self._batch = batch.index
            yield batch
        self._batch = None

    def clip_grad_norm_(self, max_norm: float) -> Tensor:
        """Clip the gradients of the recorded parameters and record the factor.

        Args:
            max_norm: largest allowed L2 norm of all gradients together.

        Returns:
            The norm before clipping.
        """
        norm = nn.utils.clip_grad_norm_(self._state.parameters(), max_norm)
        factor = torch.clamp(max_norm / (norm + 1e-6), max=1.0)  # as torch computes it
        self._clip *= float(factor)
        return norm

    def log(self, **values: float) -> None:
        """Keep numbers that describe the parameters as they are now (before the next step).

        Args:
            values: one number for every name given as `metrics`.

        Raises:
            RecordingError: if the names differ from `metrics`.
        """
        if set(values) != set(self._metrics):
            raise RecordingError(f"Expected metrics {sorted(self._metrics)}, got {sorted(values)}.")
        self._logged = values

    def _before_step(self, *_: Any) -> None:
        if self._batch is None:
            raise RecordingError(
                f"Step {self.steps} has no batch. Draw batches through recorder.batches(loader)."
            )
        self._state.check_before_step(self.steps)
        theta = self._state.theta()
        if self._theta is None:
            check_finite(theta, "The initial parameter vector", self.steps)
        elif not torch.equal(theta, self._theta):
            raise RecordingError(
                f"The parameters changed between step {self.steps - 1} and step {self.steps}"
                " outside of optimizer.step(). Such changes are not part of the path: remove them."
            )
        self._theta = theta
        if self._writer is None:
            self._writer = self._new_writer(len(self._batch))
        self._coefficients = self._state.coefficients(self.steps)

    def _after_step(self, *_: Any) -> None:
        assert self._writer is not None  # made before the first step
        assert self._batch is not None
        rows = {
            **self._point_rows(),
            "coefficient": self._coefficients,
            "clip": np.array(self._clip),
            "batch": self._batch_row(self._batch),
        }
        self._theta = self._state.theta()
        check_finite(self._theta, "The parameter vector after the update", self.steps)
        if self._state.adaptive:
            rows["second_moment"] = to_row(self._state.second_moment())
        full = self._writer.append(rows)
        self.steps += 1
        self._batch, self._clip, self._logged = None, 1.0, {}
        if full:
            self._state.check_constants(self.steps)
            checksums = torch.from_numpy(self._checksums.values)
            self._writer.flush({**self._state.checkpoint(), "checksums": checksums})

    def _finish(self) -> None:
        if self._writer is None or self._theta is None:
            raise RecordingError("No optimizer step was taken inside the record block.")
        self._state.check_constants(self.steps)
        self._writer.append(self._point_rows())
        self._writer.seal({"steps": self.steps}, self._checksums.values)

    def _point_rows(self) -> dict[str, np.ndarray]:
        """The rows that describe `theta_s`: parameters and logged metrics."""
        assert self._theta is not None
        logged = {
            f"metric_{name}": np.array(self._logged.get(name, np.nan)) for name in self._metrics
        }
        return {"params": to_row(self._theta), **logged}

    def _batch_row(self, index: Tensor) -> np.ndarray:
        assert self._slots is not None
        if len(index) > self._slots:
            raise RecordingError(
                f"The batch of step {self.steps} has {len(index)} samples, the store has room for"
                f" {self._slots}. Pass record(..., max_batch_size={len(index)})."
            )
        row = np.full(self._slots, -1, dtype=np.int32)
        row[: len(index)] = index.cpu().numpy()
        return row

    def _new_writer(self, batch_size: int) -> HistoryWriter:
        self._slots = max(self._slots or 0, batch_size)
        arrays = history_arrays(
            self._state.layout,
            self._chunk,
            self._slots,
            self._state.dtype.name,
            self._state.adaptive,
            self._metrics,
        )
        store = StoreWriter.create(self._path, arrays, {**self._attributes, "slots": self._slots})
        save_state(self._path / CONSTANTS, self._state.constants)
        return HistoryWriter(store, self._chunk)

    def _resumed_writer(self) -> HistoryWriter | None:
        """Restore model, optimizer and step count from the checkpoint; None if there is none."""
        if is_sealed(self._path):
            raise StoreError(f"{self._path} is sealed: there is nothing to resume.")
        checkpoint = self._last_checkpoint()
        if checkpoint is None:
            remove_store(self._path)
            return None
        store = StoreWriter.reopen(self._path)
        stored = {key: store.attributes.get(key) for key in self._attributes}
        if stored != self._attributes:
            raise RecordingError(
                f"{self._path} was recorded with other settings; expected the same model, optimizer"
                " and attributes to resume. Remove it to start anew."
            )
        self._state.restore(checkpoint)
        self.steps = int(checkpoint["steps"])
        self._checksums = ChecksumTable(checkpoint["checksums"].cpu().numpy())
        self._slots = int(store.attributes["slots"])
        self._theta = self._state.theta()
        store.truncate_rows(self.steps)
        return HistoryWriter(store, self._chunk, self.steps)

    def _last_checkpoint(self) -> dict[str, Any] | None:
        """State to go on from; None if killed before there was one, or if it is damaged."""
        path = self._path / CHECKPOINT
        if not path.is_file():
            return None
        try:
            return load_state(path, self._state.parameters()[0].device)
        except DamagedStoreError as error:
            logger.warning("%s The recording starts anew.", error)
            return None
