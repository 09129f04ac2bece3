"""Files of tensors and plain values beside the arrays of a history store."""

import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from explaind.errors import DamagedStoreError
from explaind.files import replacing

CHECKPOINT = "checkpoint.pt"
CONSTANTS = "constants.pt"
CHECKSUM_BYTES = 4


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors and plain values atomically, readable with `weights_only=True`.

    A checksum follows them: torch itself returns tensors that were changed on disk.
    """
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getvalue() + _checksum(buffer.getvalue()))


def load_state(path: Path, device: str | torch.device = "cpu") -> dict[str, Any]:
    """Read what `save_state` wrote.

    Raises:
        DamagedStoreError: if the file is missing or corrupted.
    """
    remedy = "Run the rule `train` again."
    if not path.is_file():
        raise DamagedStoreError(f"{path} is missing. {remedy}", path.parent)
    content = path.read_bytes()
    body, checksum = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
    if checksum != _checksum(body):
        raise DamagedStoreError(f"{path} is corrupted. {remedy}", path.parent)
    state: dict[str, Any] = torch.load(io.BytesIO(body), map_location=device, weights_only=True)
    return state


def _checksum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(CHECKSUM_BYTES, "little")
