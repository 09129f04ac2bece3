"""The history store while it is being written: whole chunks, a checkpoint behind each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from explaind.history.saved_state import CHECKPOINT, save_state
from explaind.history.schema import HistorySchema
from explaind.store import StoreWriter


class HistoryWriter:
    """Collects rows in memory and writes them chunk by chunk.

    Args:
        store: the unsealed store.
        schema: its arrays.
        steps: steps behind the last checkpoint; rows after them are dropped.
    """

    def __init__(self, store: StoreWriter, schema: HistorySchema, steps: int = 0) -> None:
        self._store, self._chunk = store, schema.chunk
        self._every = {name: schema.steps_per_row(name) for name in schema.arrays()}
        self._flushed = steps
        self._steps = 0  # collected since
        self._rows: dict[str, list[np.ndarray]] = {}
        for name, every in self._every.items():
            store.truncate_rows(name, steps // every)

    @property
    def path(self) -> Path:
        """Folder of the store."""
        return self._store.path

    def append(self, rows: Mapping[str, np.ndarray]) -> None:
        """Add one row to each named array.

        Args:
            rows: one row by array name.
        """
        for name, row in rows.items():
            self._rows.setdefault(name, []).append(row)

    def end_step(self) -> bool:
        """Count a step; return whether a chunk is full, so that `flush` should be called."""
        self._steps += 1
        return self._steps == self._chunk

    def flush(self, checkpoint: Mapping[str, Any]) -> None:
        """Write the full chunk, then the state to resume from. The order makes a kill harmless.

        Args:
            checkpoint: model and optimizer state after the last step appended.
        """
        self._write()
        self._flushed, self._steps = self._flushed + self._chunk, 0
        save_state(self.path / CHECKPOINT, {**checkpoint, "steps": self._flushed})

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
        (self.path / CHECKPOINT).unlink(missing_ok=True)

    def _write(self) -> None:
        for name, rows in self._rows.items():
            if rows:
                self._store.write_rows(name, self._flushed // self._every[name], rows)
                rows.clear()
