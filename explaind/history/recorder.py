"""Watching a training run by hooks on its optimizer."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explaind.errors import RecordingError, StoreError
from explaind.history.batches import Augmentation, Batch, indexed_batches
from explaind.history.checksums import ChecksumTable
from explaind.history.guards import (
    LossFunction,
    check_deterministic_mode,
    check_finite,
    check_separable_loss,
)
from explaind.history.opening import begin, take_up
from explaind.history.rows import PathRows, Rows, SampleTypes, dtype_name
from explaind.history.schema import HistorySchema
from explaind.history.state import TrainingState
from explaind.history.writer import HistoryWriter
from explaind.store import only_writer


@dataclass
class Pending:
    """What is known of the step that comes next.

    Attributes:
        batch: the samples drawn for it; None before they are.
        clip: factor its gradient was clipped by.
        max_norm: what the gradient was clipped to.
        logged: numbers that describe the parameters before it.
    """

    batch: Tensor | None = None
    clip: float = 1.0
    max_norm: float = math.inf
    logged: dict[str, float] = field(default_factory=dict)


class Recorder:
    """Writes a history store while a loop trains; made by `record`.

    Args:
        state: model and optimizer.
        loss_fn: per-sample losses.
        rows: what of the state becomes rows of the store.
        path: folder of the store.
        schema: its arrays; room for a batch grows to the first one.
        attributes: its group attributes.
        augment: makes the inputs of a step of those of the data.
        resume: go on from the last checkpoint, if there is one.

    Attributes:
        steps: optimizer steps recorded so far.
    """

    def __init__(
        self,
        state: TrainingState,
        loss_fn: LossFunction,
        rows: PathRows,
        path: Path,
        schema: HistorySchema,
        attributes: Mapping[str, Any],
        *,
        augment: Augmentation | None,
        resume: bool,
    ) -> None:
        self._state, self._loss_fn, self._path_rows = state, loss_fn, rows
        self._path, self._schema, self._attributes = path, schema, attributes
        self._augment = augment
        self.steps = 0
        self._pending = Pending()
        self._theta: Tensor | None = None
        self._rows: Rows = {}
        self._sample_types: SampleTypes | None = None
        self._checksums = ChecksumTable()
        self._handles: list[Any] = []
        self._lock = ExitStack()
        self._lock.enter_context(only_writer(path))
        self._writer = self._resumed() if resume else None
        if self._writer is None:
            state.check_fresh()
            if path.exists():
                raise StoreError(f"{path} exists already. Remove it, or pass resume=True.")

    def __enter__(self) -> "Recorder":
        optimizer = self._state.optimizer
        self._handles = [
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._after_step),
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
            The batches, with `x` (augmented), `y` and the dataset `index` of each sample.

        Raises:
            RecordingError: if two batches are drawn for one optimizer step (gradient accumulation).
        """
        if isinstance(loader, torch.utils.data.DataLoader):
            self._schema = replace(
                self._schema, slots=self._schema.slots or int(loader.batch_size or 0)
            )
            loader = indexed_batches(loader)
        for drawn in loader:
            if self._pending.batch is not None:
                raise RecordingError(
                    f"A second batch was drawn before step {self.steps} was taken. Gradient"
                    " accumulation is not supported: take one optimizer step per batch."
                )
            self._checksums.see(drawn.index, drawn.x, drawn.y)
            batch = self._as_seen(drawn)
            if self._sample_types is None:
                self._see_first(batch)
            self._pending.batch = batch.index
            yield batch
        self._pending.batch = None

    def clip_grad_norm_(self, max_norm: float) -> Tensor:
        """Clip the gradients of the recorded parameters and record the factor.

        Args:
            max_norm: largest allowed L2 norm of all gradients together.

        Returns:
            The norm before clipping.

        Raises:
            RecordingError: at the second call for a step of a thinned history.
        """
        if self._schema.every > 1 and self._pending.max_norm != math.inf:
            raise RecordingError(
                f"The gradient of step {self.steps} is clipped a second time; expected once in a"
                " thinned history. Clip to the smaller norm, or record with every=1."
            )
        norm = nn.utils.clip_grad_norm_(self._state.parameters.values(), max_norm)
        factor = torch.clamp(max_norm / (norm + 1e-6), max=1.0)  # as torch computes it
        self._pending.clip *= float(factor)
        self._pending.max_norm = float(max_norm)
        return norm

    def log(self, **values: float) -> None:
        """Keep numbers that describe the parameters as they are now (before the next step).

        Args:
            values: one number for every name given as `metrics`.

        Raises:
            RecordingError: if the names differ from `metrics`.
        """
        if set(values) != set(self._schema.metrics):
            raise RecordingError(
                f"Expected metrics {sorted(self._schema.metrics)}, got {sorted(values)}."
            )
        self._pending.logged = values

    def _as_seen(self, batch: Batch) -> Batch:
        """A batch of the data as the coming step sees it."""
        if self._augment is None:
            return batch
        return replace(batch, x=self._augment(batch.x, batch.index, self.steps))

    def _see_first(self, batch: Batch) -> None:
        """Check model and loss on the first batch, and note the types of its tensors."""
        check_deterministic_mode(self._state.model, self.steps)
        check_separable_loss(self._state.model, self._loss_fn, batch.x, batch.y)
        leaves = torch.utils._pytree.tree_leaves
        trees = {"x": batch.x, "y": batch.y}
        self._sample_types = {n: [dtype_name(leaf) for leaf in leaves(t)] for n, t in trees.items()}

    def _before_step(self, *_: Any) -> None:
        if self._pending.batch is None:
            raise RecordingError(
                f"Step {self.steps} has no batch. Draw batches through recorder.batches(loader)."
            )
        self._state.check_before_step(self.steps)
        if self._theta is None:
            self._theta = self._state.theta()
            check_finite(self._theta, "The initial parameter vector", self.steps)
        elif self._state.moved_from(self._theta):
            raise RecordingError(
                f"The parameters changed between step {self.steps - 1} and step {self.steps}"
                " outside of optimizer.step(). Such changes are not part of the path: remove them."
            )
        if self._writer is None:
            self._writer = self._begun(len(self._pending.batch))
        self._rows = {
            **self._path_rows.before_step(self.steps, self._theta),
            **self._metrics(),
            "coefficient": self._state.coefficients(self.steps),
            "clip": np.array(self._pending.clip),
            "batch": self._batch_row(self._pending.batch),
        }

    def _after_step(self, *_: Any) -> None:
        assert self._writer is not None  # made before the first step
        self._theta = self._state.theta()
        check_finite(self._theta, "The parameter vector after the update", self.steps)
        self._writer.append(self._rows)
        self._writer.append(self._path_rows.after_step(self._pending.max_norm))
        self._pending = Pending()
        self.steps += 1
        if self._writer.end_step():
            self._state.check_constants(self.steps)
            checksums = torch.from_numpy(self._checksums.values)
            self._writer.flush({**self._state.checkpoint(), "checksums": checksums})

    def _finish(self) -> None:
        if self._writer is None or self._theta is None:
            raise RecordingError("No optimizer step was taken inside the record block.")
        self._state.check_constants(self.steps)
        self._writer.append({**self._path_rows.at_end(self._theta), **self._metrics()})
        self._writer.seal({"steps": self.steps}, self._checksums.values)

    def _metrics(self) -> Rows:
        logged = self._pending.logged
        return {
            f"metric_{name}": np.array(logged.get(name, np.nan)) for name in self._schema.metrics
        }

    def _batch_row(self, index: Tensor) -> np.ndarray:
        slots = self._schema.slots
        if len(index) > slots:
            raise RecordingError(
                f"The batch of step {self.steps} has {len(index)} samples, the store has room for"
                f" {slots}. Pass record(..., max_batch_size={len(index)})."
            )
        row = np.full(slots, -1, dtype=np.int32)
        row[: len(index)] = index.cpu().numpy()
        return row

    def _begun(self, batch_size: int) -> HistoryWriter:
        self._schema = replace(self._schema, slots=max(self._schema.slots, batch_size))
        assert self._sample_types is not None  # noted when the first batch was drawn
        replay = self._path_rows.attributes(self._sample_types)
        return begin(self._path, self._schema, {**self._attributes, **replay}, self._state)

    def _resumed(self) -> HistoryWriter | None:
        found = take_up(self._path, self._schema, self._attributes, self._state)
        if found is None:
            return None
        self.steps, self._checksums = found.steps, ChecksumTable(found.checksums)
        self._schema = replace(self._schema, slots=found.slots)
        self._theta = self._state.theta()
        return found.writer
