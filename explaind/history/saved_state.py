"""Files of tensors and plain values beside the arrays of a history store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from explaind.errors import StoreError
from explaind.files import replacing

CHECKPOINT = "checkpoint.pt"
CONSTANTS = "constants.pt"


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors and plain values atomically, readable with `weights_only=True`."""
    with replacing(path) as temporary:
        torch.save(dict(state), temporary)


def load_state(path: Path, device: str | torch.device = "cpu") -> dict[str, Any]:
    """Read what `save_state` wrote.

    Raises:
        StoreError: if the file is missing.
    """
    if not path.is_file():
        raise StoreError(f"{path} is missing: the recording cannot be used. Record the run again.")
    state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return state
