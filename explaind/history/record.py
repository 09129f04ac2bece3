"""Recording a training loop: what the library is asked for, put together."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from explaind.errors import ConfigError
from explaind.history.batches import Augmentation
from explaind.history.guards import LossFunction
from explaind.history.optimizers import COEFFICIENTS
from explaind.history.recorder import Recorder
from explaind.history.rows import FullRows, ThinnedRows
from explaind.history.schema import HistorySchema
from explaind.history.state import TrainingState
from explaind.history.thinning import steps_per_chunk
from explaind.store import TARGET_CHUNK_BYTES


def record(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_fn: LossFunction,
    store: str | Path,
    *,
    every: int = 1,
    reduction: Literal["mean", "sum"] = "mean",
    components: Mapping[str, str] | None = None,
    metrics: Iterable[str] = (),
    resume: bool = False,
    attributes: Mapping[str, Any] | None = None,
    max_batch_size: int | None = None,
    chunk: int | None = None,
    augment: Augmentation | None = None,
) -> Recorder:
    """Record a training loop: a context manager around it.

    The path starts at the parameters found when the optimizer takes its first step. Leaving the
    block without an exception seals the store.

    Args:
        model: any module; deterministic per sample (no active dropout, no batch norm in training
            mode).
        optimizer: a supported optimizer of `torch.optim` that has not taken a step yet.
        loss_fn: `(model output, targets) -> per-sample losses`, shape `[batch]`.
        store: folder of the history store to create.
        every: steps between snapshots. 1 stores all parameters; more stores about that much less,
            and reading trains each stretch again from its snapshot, bit for bit on a CPU. The loop
            must then take its gradient from `loss_fn(model(x), y).mean()` (or `.sum()`, plus the
            penalty given to `PathKernel`) and clip at most once.
        reduction: how the loop reduces the per-sample losses of a batch before `backward()`.
        components: component name by parameter tensor; by default the module that holds the tensor.
        metrics: names that `Recorder.log` will be given before each step and at the end.
        resume: go on from the last checkpoint of an unsealed store, restoring model and optimizer.
        attributes: further group attributes of the store, JSON only.
        max_batch_size: largest batch; by default that of the loader or of the first batch.
        chunk: steps per chunk of the store; by default as many as fill about 16 MB.
        augment: `(inputs, indices, step) -> inputs`, applied to the batches that the recorder
            yields; must depend on nothing else. Give the same function to `PathKernel`.

    Returns:
        The recorder.

    Raises:
        ConfigError: for an interval below 1.
        UnsupportedError: for an optimizer outside the table, or one whose options are tensors
            where the history is thinned.
        RecordingError: if the optimizer has taken steps already.
        StoreError: if `store` exists and `resume` is false, or it is sealed, or another process is
            recording it.
    """
    if every < 1:
        raise ConfigError(f"every: expected at least 1 step between snapshots, got {every}.")
    state = TrainingState(model, optimizer, components)
    rows = FullRows(state) if every == 1 else ThinnedRows(state, every)
    layout, dtype = state.layout, state.stored_dtype
    row_bytes = layout.size * dtype.itemsize
    steps = chunk or steps_per_chunk(row_bytes, every, TARGET_CHUNK_BYTES)
    schema = HistorySchema(
        parameters=layout.size,
        dtype=str(dtype).removeprefix("torch."),
        groups=len(optimizer.param_groups),
        adaptive=state.adaptive,
        chunk=every * math.ceil(steps / every),
        every=every,
        slots=max_batch_size or 0,
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
        "metrics": list(schema.metrics),
        "optimizer": type(optimizer).__name__,
        "tensors": layout.to_json(),
        "coordinates": {"scalar": list(COEFFICIENTS), "option": list(schema.options)},
    }
    return Recorder(
        state, loss_fn, rows, Path(store), schema, described, augment=augment, resume=resume
    )
