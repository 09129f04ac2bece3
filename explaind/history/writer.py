"""The history store while it is being written: whole chunks, a checkpoint behind each.

Layout of `history.zarr` (dims; one row per step unless said otherwise):

| array | dims | meaning |
|---|---|---|
| params | step_point, param | parameters `theta_s`, `s = 0..S` (one row more than steps) |
| second_moment | step, param | what the step divided by (Adam-like optimizers only) |
| coefficient | step, group, scalar | the scalars of `history.optimizers.COEFFICIENTS` |
| clip | step | gradient-clipping factor `kappa_s` |
| metric_{name} | step_point | a logged number that describes `theta_s` |
| sample_checksum | sample | checksum of every training sample, -1 = never in a batch |
| batch | step, slot | training-sample index in each batch slot, -1 where a batch is shorter |

Beside them `constants.pt` (frozen parameters and buffers), and until the store is sealed
`checkpoint.pt`: the model and optimizer state at the last chunk boundary, from which an interrupted
run goes on.
"""

import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explaind.errors import DamagedStoreError
from explaind.files import replacing
from explaind.history.layout import ParameterLayout
from explaind.history.optimizers import COEFFICIENTS
from explaind.store import TARGET_CHUNK_BYTES, ArraySpec, StoreWriter

CHECKPOINT = "checkpoint.pt"
CONSTANTS = "constants.pt"
MAX_STEPS_PER_CHUNK = 64
CHECKSUMS_PER_CHUNK = 2**16
CHECKSUM_BYTES = 4


def steps_per_chunk(parameters: int, itemsize: int) -> int:
    """Steps whose parameters fill a chunk of the target size, at least 1."""
    return max(1, min(MAX_STEPS_PER_CHUNK, TARGET_CHUNK_BYTES // max(1, parameters * itemsize)))


def history_arrays(
    layout: ParameterLayout,
    chunk: int,
    slots: int,
    dtype: str,
    adaptive: bool,
    metrics: tuple[str, ...],
) -> dict[str, ArraySpec]:
    """The arrays of a history store, all with zero rows.

    Args:
        layout: the parameter layout.
        chunk: rows per chunk.
        slots: largest number of samples in a batch.
        dtype: numpy type of the parameters.
        adaptive: whether the optimizer keeps a second moment.
        metrics: names of the numbers logged for each point of the path.

    Returns:
        The array specifications by name.
    """
    groups = 1 + max((slot.group for slot in layout.slots), default=0)

    def rows(dims: tuple[str, ...], shape: tuple[int, ...], kind: str, text: str) -> ArraySpec:
        return ArraySpec(dims, (0, *shape), (chunk, *shape), kind, "1", text)

    width = (layout.size,)
    arrays = {
        "params": rows(("step_point", "param"), width, dtype, "parameters before step s"),
        "coefficient": rows(
            ("step", "group", "scalar"),
            (groups, len(COEFFICIENTS)),
            "float64",
            "scalars of the optimizer rule",
        ),
        "clip": rows(("step",), (), "float64", "gradient-clipping factor"),
        "batch": rows(("step", "slot"), (slots,), "int32", "training-sample index, -1 = empty"),
    }
    arrays["sample_checksum"] = ArraySpec(
        ("sample",), (0,), (CHECKSUMS_PER_CHUNK,), "int64", "1", "crc32 of a sample, -1 = unseen"
    )
    for name in metrics:
        arrays[f"metric_{name}"] = rows(("step_point",), (), "float64", f"{name} at theta_s")
    if adaptive:
        arrays["second_moment"] = rows(
            ("step", "param"), width, dtype, "second moment after step s"
        )
    return arrays


class HistoryWriter:
    """Collects rows in memory and writes them chunk by chunk.

    Args:
        store: the unsealed store.
        chunk: rows per chunk.
        steps: steps already on disk (a multiple of `chunk`).
    """

    def __init__(self, store: StoreWriter, chunk: int, steps: int = 0) -> None:
        self._store = store
        self._chunk = chunk
        self._flushed = steps
        self._rows: dict[str, list[np.ndarray]] = {}

    @property
    def path(self) -> Path:
        """Folder of the store."""
        return self._store.path

    def append(self, rows: Mapping[str, np.ndarray]) -> bool:
        """Add one row to each named array.

        Args:
            rows: one row by array name.

        Returns:
            Whether a chunk is full, so that `flush` should be called.
        """
        for name, row in rows.items():
            self._rows.setdefault(name, []).append(row)
        return any(len(found) >= self._chunk for found in self._rows.values())

    def flush(self, checkpoint: Mapping[str, Any]) -> None:
        """Write the full chunk, then the state to resume from. The order makes a kill harmless.

        Args:
            checkpoint: model and optimizer state after the last step appended.
        """
        self._write()
        self._flushed += self._chunk
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
                self._store.write_rows(name, self._flushed, np.stack(rows))
                rows.clear()


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


def to_row(vector: Tensor) -> np.ndarray:
    """A flat vector as a numpy row on the CPU."""
    return vector.detach().cpu().numpy()
