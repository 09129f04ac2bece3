"""Recording a training loop by hooks on its optimizer."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor, nn

from explaind.errors import ConfigError, RecordingError, StoreError
from explaind.files import log_written
from explaind.history.accumulation import Part
from explaind.history.batches import Batch
from explaind.history.checkpoint_interval import steps_per_chunk
from explaind.history.checksums import ChecksumTable
from explaind.history.forward_passes import Room, random_attributes
from explaind.history.guards import check_finite, check_module
from explaind.history.optimizers import COEFFICIENTS
from explaind.history.recording.gradient_check import Loss
from explaind.history.recording.loaders import draw
from explaind.history.recording.step_gradient import StepGradient, when_made
from explaind.history.recording.writer import HistoryWriter, resume_writing
from explaind.history.schema import (
    CheckpointedRows,
    FullRows,
    HistorySchema,
    PathRows,
    Reduction,
    Rows,
    dtype_name,
)
from explaind.history.state import TrainingState
from explaind.history.wrappers import check_replayable, unwrapped, unwrapped_optimizer
from explaind.provenance import provenance
from explaind.store import (
    MADE_WITH,
    TARGET_CHUNK_BYTES,
    only_writer,
    remove_store,
    stored_attributes,
)
from explaind.trees import (
    Augmentation,
    Forward,
    Inputs,
    LossFunction,
    Penalty,
    Targets,
    call,
    copied,
)


def record(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_fn: LossFunction,
    store: str | Path,
    *,
    every: int = 1,
    reduction: Reduction = "mean",
    components: Mapping[str, str] | None = None,
    metrics: Iterable[str] = (),
    resume: bool = False,
    overwrite: bool = False,
    attributes: Mapping[str, Any] | None = None,
    max_batch_size: int | None = None,
    chunk: int | None = None,
    augment: Augmentation | None = None,
    penalty: Penalty | None = None,
    forward: Forward = call,
) -> "Recorder":
    """Record a training loop: a context manager around it.

    The path starts at the parameters that the optimizer takes its first step from. That may be in
    the middle of a training, model and optimizer loaded from a checkpoint: what its momentum goes
    on doing is told apart from the recorded samples (`carry`). Leaving the block without an
    exception seals the store. An optimizer outside the table, or one with tensors for options where
    the history is checkpointed, is refused (`UnsupportedError`); so is a store that exists and is
    not to be resumed, is sealed, or is being written by another process (`StoreError`).

    Args:
        model: any module whose outputs of a sample do not depend on the others of its batch (no
            batch norm in training mode). Dropout and noise that draw from torch's generators are
            recorded with their state. What torch.compile, DataParallel and their like wrap is
            recorded under its own names.
        optimizer: a supported optimizer of `torch.optim`.
        loss_fn: `(model output, targets) -> per-sample losses`, shape `[batch]`.
        store: folder of the history store to create.
        every: checkpoint interval, in steps. 1 stores all parameters; more stores about that much
            less, and reading trains each interval again from its snapshot, bit for bit on a CPU. A
            loop must then send back means or sums of `loss_fn(model(x), y)`, and clip at most once.
        reduction: how the loop reduces the losses of a batch; other weights are read off gradients.
        components: component name by parameter tensor; by default the module that holds the tensor.
        metrics: names that `Recorder.log` will be given before each step and at the end.
        resume: go on from the last checkpoint of an unsealed store: model, optimizer, generators.
        overwrite: remove a store that exists.
        attributes: further group attributes of the store, JSON only.
        max_batch_size: largest batch; by default the first one.
        chunk: steps per chunk of the store; by default as many as fill about 16 MB.
        augment: `(inputs, indices, step) -> inputs`, applied to the batches that the recorder
            yields; may draw from torch's generators, and must depend on nothing else. Give the same
            function to `PathKernel`.
        penalty: explicit regulariser that the loop adds to the loss of a step, `(parameters by
            name) -> scalar`. Give the same function to `PathKernel`.
        forward: `(model, inputs) -> outputs`, how the loop calls the model: `lambda model, x:
            model(**x)`, say. Give the same function to `PathKernel`.

    Returns:
        The recorder.

    Raises:
        ConfigError: for an interval below 1 or an unknown reduction.
    """
    if every < 1:
        raise ConfigError(f"every: expected at least 1 step between snapshots, got {every}.")
    if reduction not in get_args(Reduction):
        raise ConfigError(f"reduction: expected one of {get_args(Reduction)}, got {reduction!r}.")
    check_module(model)
    check_replayable(model, every)
    optimizer = unwrapped_optimizer(optimizer)
    state = TrainingState(unwrapped(model), optimizer, components)
    rows = FullRows(state) if every == 1 else CheckpointedRows(state, every)
    layout, dtype = state.layout, state.stored_dtype
    steps = chunk or steps_per_chunk(layout.size * dtype.itemsize, every, TARGET_CHUNK_BYTES)
    schema = HistorySchema(
        parameters=layout.size,
        dtype=dtype_name(dtype),
        tensors=len(layout.slots),
        groups=len(optimizer.param_groups),
        adaptive=state.adaptive,
        chunk=every * math.ceil(steps / every),
        every=every,
        room=Room(max_batch_size or 0),
        metrics=tuple(metrics),
        states=rows.states,
        options=rows.options,
    )
    described = {
        **(attributes or {}),
        "stage": "train",
        "every": every,
        "reduction": reduction,
        "augmented": augment is not None,
        "penalised": penalty is not None,
        "metrics": list(schema.metrics),
        "optimizer": type(optimizer).__name__,
        "divides_gradient": state.divides_gradient,
        "tensors": layout.to_json(),
        "coordinates": {"scalar": list(COEFFICIENTS), "option": list(schema.options)},
    }
    loss = Loss(lambda inputs: forward(state.model, copied(inputs)), loss_fn, penalty)
    return Recorder(
        state,
        loss,
        rows,
        Path(store).absolute(),  # the loop may change the working directory
        schema,
        described,
        augment=augment,
        resume=resume,
        overwrite=overwrite,
    )


@dataclass
class Pending:
    """What is known of the step that comes next.

    Attributes:
        taken: whether it moves the parameters; torch skips one without any gradient.
        logged: numbers that describe the parameters before it.
        rows: what was recorded as the step began.
    """

    taken: bool = False
    logged: dict[str, float] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)


class Recorder:
    """Writes a history store while a loop trains; made by `record`.

    Args:
        state: model and optimizer.
        loss: what the loss of the loop is made of.
        rows: what of the state becomes rows of the store.
        path: folder of the store.
        schema: its arrays; room for a batch grows to the first one.
        attributes: its group attributes.
        augment: makes the inputs of a step of those of the data.
        resume: go on from the last checkpoint, if there is one.
        overwrite: remove a store that exists.

    Attributes:
        steps: optimizer steps recorded so far.

    Raises:
        StoreError: if the store exists and is not resumed.
    """

    def __init__(
        self,
        state: TrainingState,
        loss: Loss,
        rows: PathRows,
        path: Path,
        schema: HistorySchema,
        attributes: Mapping[str, Any],
        *,
        augment: Augmentation | None,
        resume: bool,
        overwrite: bool,
    ) -> None:
        self._state, self._path_rows = state, rows
        mean, repeated = attributes["reduction"] == "mean", schema.every > 1
        self._gradient = StepGradient(state, loss, mean, repeated)
        self._path, self._schema, self._attributes = path, schema, attributes
        self._augment = augment
        self._exit, self._start = ExitStack(), time.monotonic()
        self._exit.enter_context(only_writer(path))
        self._pending = Pending()
        self.steps, self._checksums = 0, ChecksumTable()
        self._theta: Tensor | None = None
        self._writer: HistoryWriter | None = None
        resumed = resume_writing(path, schema, attributes, state) if resume else None
        if resumed is not None:
            self._writer, self.steps = resumed.writer, resumed.steps
            self._checksums, self._theta = ChecksumTable(resumed.checksums), state.theta()
            return
        if path.exists() and overwrite and stored_attributes(path):
            remove_store(path)
        elif path.exists() or path.is_symlink():  # a dangling link too
            raise StoreError(
                f"{path} exists already. Remove it, pass overwrite=True if it is a store, or"
                " resume=True to go on."
            )

    def __enter__(self) -> "Recorder":
        optimizer = self._state.optimizer
        for handle in (
            optimizer.register_step_pre_hook(when_made(self._before_step)),
            optimizer.register_step_post_hook(self._after_step),
        ):
            self._exit.callback(handle.remove)
        self._exit.callback(self._gradient.accumulated.watch())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._exit:
            if kind is None:
                self._finish()

    def batches(self, loader: Iterable[Any]) -> Iterator[Batch]:
        """Yield the batches of a loader once and remember the samples of each.

        Several may be drawn for a step, or none be used: those count that gradients came from.

        Args:
            loader: a `DataLoader` over a map-style dataset of `(x, y)`, or of `x` alone, which is
                its own target; also inside of a progress bar; or an iterable of `Batch`.

        Yields:
            The batches, with `x` (augmented), `y` and the dataset `index` of each sample.
        """
        for batch in draw(loader):
            yield self._drawn(batch)

    def step_of(self, index: Tensor, x: Inputs, y: Targets) -> Batch:
        """Say which samples the coming backward pass is of, in a loop that draws them its own way.

        Args:
            index: position of each sample in the training set.
            x: their inputs, not augmented, sample first.
            y: their targets.

        Returns:
            The batch, its inputs augmented if the recorder augments.
        """
        return self._drawn(Batch(x, y, index))

    def clip_grad_norm_(self, max_norm: float) -> Tensor:
        """Clip the gradients of the recorded parameters and record the factor.

        A second call for a step of a checkpointed history is refused (`RecordingError`).

        Args:
            max_norm: largest allowed L2 norm of all gradients together.

        Returns:
            The norm before clipping.
        """
        return self._gradient.clip(max_norm, self.steps)

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

    def _drawn(self, batch: Batch) -> Batch:
        """Note a batch of the data, and return it as the coming step sees it."""
        self._state.draw_on()
        self._checksums.see(batch.index, batch.x, batch.y, batch.checksums)
        if self._augment is not None:
            batch = batch.augmented(self._augment, self.steps, self._state.device)
        self._gradient.draw(batch, self.steps)
        return batch

    def _before_step(self, optimizer: torch.optim.Optimizer) -> None:
        overflown = getattr(optimizer, "found_inf", None)  # what a fused one skips steps for
        self._pending.taken = self._gradient.exists and not (overflown is not None and overflown)
        if not self._pending.taken:
            return
        self._state.check_before_step(self.steps)
        if self._theta is None:
            self._theta = self._state.theta()
            check_finite(self._theta, "The initial parameter vector", self.steps)
        elif self._state.moved_from(self._theta):
            raise RecordingError(
                f"The parameters changed between step {self.steps - 1} and step {self.steps}"
                " outside of optimizer.step(). Such changes are not part of the path: remove them."
            )
        path = self._path_rows.before_step(self.steps, self._theta)
        parts, weights = self._gradient.samples(self.steps)
        if self._writer is None:
            self._writer = self._created(parts)
        self._pending.rows = {
            **path,
            **self._metrics(),
            "coefficient": self._state.coefficients(),
            "clip": np.array(self._gradient.accumulated.clip),
            **self._writer.room.rows(parts, weights, self.steps),
        }

    def _after_step(self, *_: object) -> None:
        if not self._pending.taken:
            return
        assert self._writer is not None  # made before the first step
        self._theta = self._state.theta(into=self._theta)
        check_finite(self._theta, "The parameter vector after the update", self.steps)
        self._writer.append(self._pending.rows)
        self._writer.append(self._path_rows.after_step())
        self._state.count_step()
        self._gradient.spend()
        self._pending = Pending()
        self.steps += 1
        if self._writer.end_step():
            self._state.check_constants(self.steps)
            checksums = torch.from_numpy(self._checksums.values)
            self._writer.save({**self._state.checkpoint(), "checksums": checksums})

    def _finish(self) -> None:
        if self._writer is None or self._theta is None:
            raise RecordingError("No optimizer step was taken inside the record block.")
        self._state.check_constants(self.steps)
        self._state.warn_if_moved(self._theta, self.steps)
        self._writer.append({**self._path_rows.at_end(self._theta), **self._metrics()})
        made = {
            "steps": self.steps,
            **self._gradient.accumulated.computed_in(),
            "checksums_in_batches": self._checksums.in_batches,
            MADE_WITH: provenance(self._theta.device),
        }
        self._writer.seal(made, self._checksums.values)
        log_written(self._path, self._start)

    def _metrics(self) -> Rows:
        logged = self._pending.logged
        return {
            f"metric_{name}": np.array(logged.get(name, np.nan)) for name in self._schema.metrics
        }

    def _created(self, parts: list[Part]) -> HistoryWriter:
        schema = replace(self._schema, room=self._schema.room.with_first_step(parts))
        attributes = {**self._attributes, **self._path_rows.attributes(parts[0].batch)}
        if schema.room.sources:
            attributes["random"] = random_attributes(parts, self._state.device)
        return HistoryWriter.create(self._path, schema, attributes, self._state)
