"""A history store is begun, or taken up again behind its last checkpoint."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from explaind.errors import DamagedStoreError, RecordingError, StoreError
from explaind.history.saved_state import CHECKPOINT, CONSTANTS, load_state, save_state
from explaind.history.schema import HistorySchema
from explaind.history.state import TrainingState
from explaind.history.writer import HistoryWriter
from explaind.store import StoreWriter, is_sealed, remove_store

logger = logging.getLogger(__name__)


class Resumed(NamedTuple):
    """A recording that goes on.

    Attributes:
        writer: writes the rows to come.
        steps: steps behind the checkpoint.
        checksums: checksums of the samples seen so far.
        slots: room for samples in a batch.
    """

    writer: HistoryWriter
    steps: int
    checksums: np.ndarray
    slots: int


def begin(
    path: Path,
    schema: HistorySchema,
    attributes: Mapping[str, Any],
    state: TrainingState,
) -> HistoryWriter:
    """Create the store.

    Args:
        path: folder of the store.
        schema: its arrays.
        attributes: group attributes.
        state: the training, for its constant tensors.

    Returns:
        The writer.
    """
    store = StoreWriter.create(path, schema.arrays(), {**attributes, "slots": schema.slots})
    save_state(path / CONSTANTS, state.constants)
    return HistoryWriter(store, schema)


def take_up(
    path: Path,
    schema: HistorySchema,
    attributes: Mapping[str, Any],
    state: TrainingState,
) -> Resumed | None:
    """Restore model and optimizer from the checkpoint of an unsealed store.

    Args:
        path: folder of the store.
        schema: its arrays.
        attributes: group attributes that the store must have been begun with.
        state: the training that is put back.

    Returns:
        What to go on with; None if there is no checkpoint, and nothing is left of the store.

    Raises:
        StoreError: if the store is sealed.
        RecordingError: if it was begun with other attributes.
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
    steps, slots = int(checkpoint["steps"]), int(store.attributes["slots"])
    writer = HistoryWriter(store, schema, steps)
    return Resumed(writer, steps, checkpoint["checksums"].cpu().numpy(), slots)


def _last_checkpoint(path: Path, device: torch.device) -> dict[str, Any] | None:
    """State to go on from; None if killed before there was one, or if it is damaged."""
    if not (path / CHECKPOINT).is_file():
        return None
    try:
        return load_state(path / CHECKPOINT, device)
    except DamagedStoreError as error:
        logger.warning("%s The recording starts anew.", error)
        return None
