"""The history store while it is being written: whole chunks, now and then a checkpoint behind one.

A checkpoint, the state to resume from, takes as much time as several steps of a large model: it is
written every half minute, less often where it would take more than a fiftieth of the time, and
behind every chunk only where the model is small. Chunks behind the last one are dropped when a
killed recording goes on, and the same steps taken again.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from explaind.errors import DamagedStoreError, RecordingError, StoreError
from explaind.history.forward_passes import Room
from explaind.history.schema import HistorySchema, Rows
from explaind.history.state import (
    CHECKPOINT,
    CONSTANTS,
    FIRST_MOMENT,
    TrainingState,
    load_state,
    save_state,
)
from explaind.store import StoreWriter, is_sealed, remove_store

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 30.0
"""Least time between checkpoints of a large model: what a kill may cost."""

CHECKPOINT_SHARE = 1 / 50
"""Most of the time that checkpoints of a large model may take."""

SMALL_BYTES = 2**20
"""Largest parameter vector with a checkpoint behind every chunk."""


class HistoryWriter:
    """Collects rows in memory and writes them chunk by chunk.

    Args:
        store: the unsealed store.
        schema: its arrays.
        steps: steps behind the last checkpoint; rows after them are dropped.

    Attributes:
        room: what the rows of a step have room for.
    """

    def __init__(self, store: StoreWriter, schema: HistorySchema, steps: int = 0) -> None:
        self._store, self._chunk, self.room = store, schema.chunk, schema.room
        self._every = {name: schema.steps_per_row(name) for name in schema.arrays()}
        self._small = schema.parameters * np.dtype(schema.dtype).itemsize <= SMALL_BYTES
        self._due = time.monotonic() + CHECKPOINT_SECONDS
        self._flushed = steps
        self._steps = 0  # collected since
        self._rows: dict[str, list[np.ndarray]] = {}
        for name, every in self._every.items():
            store.truncate_rows(name, steps // every)

    @classmethod
    def create(
        cls,
        path: Path,
        schema: HistorySchema,
        attributes: Mapping[str, Any],
        state: TrainingState,
    ) -> "HistoryWriter":
        """Create the store.

        Args:
            path: folder of the store.
            schema: its arrays.
            attributes: group attributes.
            state: the training before its first step, for what it begins with.

        Returns:
            The writer.
        """
        moment = state.first_moment()
        found = {"carried": moment is not None, "room": asdict(schema.room)}
        store = StoreWriter.create(path, schema.arrays(), {**attributes, **found})
        save_state(path / CONSTANTS, state.constants)
        if moment is not None:
            save_state(path / FIRST_MOMENT, {"first_moment": moment.cpu()})
        return cls(store, schema)

    def append(self, rows: Rows) -> None:
        """Add one row to each named array."""
        for name, row in rows.items():
            self._rows.setdefault(name, []).append(row)

    def end_step(self) -> bool:
        """Count a step, and write the chunk that it fills.

        Returns:
            Whether a checkpoint is due behind that chunk, so that `save` should be called.
        """
        self._steps += 1
        if self._steps < self._chunk:
            return False
        self._write()
        self._flushed, self._steps = self._flushed + self._chunk, 0
        return self._small or time.monotonic() >= self._due

    def save(self, checkpoint: Mapping[str, Any]) -> None:
        """Write the state to resume from behind the chunk just written.

        Args:
            checkpoint: model and optimizer state after the last step appended.
        """
        start = time.monotonic()
        save_state(self._store.path / CHECKPOINT, {**checkpoint, "steps": self._flushed})
        saved = time.monotonic()
        self._due = saved + max(CHECKPOINT_SECONDS, (saved - start) / CHECKPOINT_SHARE)

    def seal(self, attributes: Mapping[str, Any], checksums: np.ndarray) -> None:
        """Write the remaining rows and declare the store complete.

        Args:
            attributes: group attributes to add.
            checksums: checksum of every training sample.
        """
        self._write()
        self._store.write_rows("sample_checksum", 0, checksums)
        self._store.set_attributes(attributes)
        self._store.seal()
        (self._store.path / CHECKPOINT).unlink(missing_ok=True)

    def _write(self) -> None:
        for name, rows in self._rows.items():
            if rows:
                self._store.write_rows(name, self._flushed // self._every[name], rows)
                rows.clear()


class Resumed(NamedTuple):
    """A recording that goes on.

    Attributes:
        writer: writes the rows to come.
        steps: steps behind the checkpoint.
        checksums: checksums of the samples seen so far.
    """

    writer: HistoryWriter
    steps: int
    checksums: np.ndarray


def resume_writing(
    path: Path,
    schema: HistorySchema,
    attributes: Mapping[str, Any],
    state: TrainingState,
) -> Resumed | None:
    """Restore model and optimizer from the checkpoint of an unsealed store.

    Args:
        path: folder of the store.
        schema: its arrays; the room for a step is that of the store.
        attributes: group attributes that the store must have been created with.
        state: the training that is put back.

    Returns:
        What to go on with; None if there is no checkpoint, and nothing is left of the store.

    Raises:
        StoreError: if the store is sealed.
        RecordingError: if it was created with other attributes.
    """
    if is_sealed(path):
        raise StoreError(f"{path} is sealed: there is nothing to resume.")
    device = next(iter(state.parameters.values())).device
    checkpoint = _last_checkpoint(path, device)
    if checkpoint is None:
        remove_store(path)
        return None
    store = StoreWriter.reopen(path)
    if {key: store.attributes.get(key) for key in attributes} != attributes:
        raise RecordingError(
            f"{path} was recorded with other settings; expected the same model, optimizer"
            " and attributes to resume. Remove it to start anew."
        )
    state.restore(checkpoint)
    steps, room = int(checkpoint["steps"]), store.attributes["room"]
    room = Room(**{**room, "sources": tuple(room["sources"])})
    writer = HistoryWriter(store, replace(schema, room=room), steps)
    return Resumed(writer, steps, checkpoint["checksums"].cpu().numpy())


def _last_checkpoint(path: Path, device: torch.device) -> dict[str, Any] | None:
    """Return the state to go on from; None if there is none yet, or if it is damaged."""
    if not (path / CHECKPOINT).is_file():
        return None
    try:
        return load_state(path / CHECKPOINT, device)
    except DamagedStoreError as error:
        logger.warning("%s The recording starts anew.", error)
        return None
