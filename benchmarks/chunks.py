"""Time of writing and reading chunks through zarr, by our own hand and through tensorstore.

    pip install tensorstore
    python -m benchmarks.chunks [--repeats 5]

Three stores as they occur: the history of the default run (18 arrays, 64 steps in a chunk), that of
a large model (16 MB in a chunk) and a shard of influence. Codecs, crc32c and the bytes on disk are
the same, which is checked. All ways take turns, in one process and with their default threads; the
fastest turn counts, by the clock and by processor time (which other jobs disturb less). tensorstore
is tried as it is by default, syncing every file, and without that, as the two others write.
"""

import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tensorstore
import typer
import zarr

from explaind.store import ArraySpec, StoreFiles, StoreWriter, decode

Group = Mapping[str, Sequence[np.ndarray]]
"""Rows of a chunk by array name."""

Arrays = Mapping[str, tuple[tuple[int, ...], str]]
"""Shape and type of a row by array name."""

WIDE = 48_320
"""Parameters of the default run."""

HISTORY: Arrays = {
    "batch": ((1145,), "int32"),
    "coefficient": ((1, 10), "float64"),
    "params": ((WIDE,), "float32"),
    "second_moment": ((WIDE,), "float32"),
    **{f"number_{k}": ((), "float64") for k in range(14)},
}
LARGE: Arrays = {"params": ((2**22,), "float32")}
SHARD: Arrays = {"influence": ((6, 32, 1145), "float32"), "step": ((672, 32), "float64")}
STORES: dict[str, tuple[Arrays, int, int]] = {
    "history, default run": (HISTORY, 64, 8),
    "history, 4 million parameters": (LARGE, 1, 8),
    "shard of influence": (SHARD, 10, 4),
}
"""Arrays, rows of a chunk, chunks."""


class Way(ABC):
    """One way to write and read a store.

    Args:
        path: folder of the store, which is created.
        specs: its arrays, in their final shape.
    """

    def __init__(self, path: Path, specs: Mapping[str, ArraySpec]) -> None:
        self.path = path
        self.writer = StoreWriter.create(path, specs, {})
        self.chunk = next(spec.chunks[0] for spec in specs.values())

    @abstractmethod
    def write(self, number: int, group: Group) -> None:
        """Write one chunk of every array; they are in the files when it returns."""

    @abstractmethod
    def read(self, number: int, name: str) -> np.ndarray:
        """Return a chunk, its checksum compared."""

    def move(self, number: int, name: str, source: "Way") -> None:
        """Copy a chunk of another store of this kind."""
        self.write(number, {name: list(source.read(number, name))})

    def rows(self, number: int) -> slice:
        """Return where a chunk lies."""
        return slice(number * self.chunk, (number + 1) * self.chunk)


class ByZarr(Way):
    """Through zarr-python."""

    def __init__(self, path: Path, specs: Mapping[str, ArraySpec]) -> None:
        super().__init__(path, specs)
        group = zarr.open_group(path, mode="r+")
        self.arrays: dict[str, Any] = {
            name: array.with_config({"write_empty_chunks": True}) for name, array in group.arrays()
        }

    def write(self, number: int, group: Group) -> None:
        """Write, array by array."""
        for name, rows in group.items():
            self.arrays[name][self.rows(number)] = np.stack(rows)

    def read(self, number: int, name: str) -> np.ndarray:
        """Return a chunk."""
        values: np.ndarray = self.arrays[name][self.rows(number)]
        return values


class ByHand(Way):
    """As the recorder writes and the merging of shards reads."""

    def __init__(self, path: Path, specs: Mapping[str, ArraySpec]) -> None:
        super().__init__(path, specs)
        self.files, self.specs = StoreFiles(path, read_only=True), specs

    def write(self, number: int, group: Group) -> None:
        """Write, array by array."""
        for name, rows in group.items():
            self.writer.write_rows(name, number * self.chunk, rows)

    def read(self, number: int, name: str) -> np.ndarray:
        """Return a chunk."""
        spec, place = self.specs[name], self._place(number, name)
        return decode(self.files.read_raw(name, place), spec.dtype).reshape(spec.chunks)

    def move(self, number: int, name: str, source: Way) -> None:
        """Copy a chunk as it lies on disk."""
        assert isinstance(source, ByHand)
        place = self._place(number, name)
        self.writer.write_raw(name, place, [source.files.read_raw(name, place)])

    def _place(self, number: int, name: str) -> tuple[int, ...]:
        return (number, *(0 for _ in self.specs[name].shape[1:]))


class ByTensorstore(Way):
    """Through tensorstore; all arrays of a chunk at once."""

    sync = True

    def __init__(self, path: Path, specs: Mapping[str, ArraySpec]) -> None:
        super().__init__(path, specs)
        context = tensorstore.Context({"file_io_sync": self.sync})
        self.arrays = {name: _opened(path / name, context) for name in specs}

    def write(self, number: int, group: Group) -> None:
        """Write, array by array, and wait for all."""
        pending = [
            self.arrays[name][self.rows(number)].write(
                np.stack(rows), can_reference_source_data_indefinitely=True
            )
            for name, rows in group.items()
        ]
        for one in pending:
            one.result()

    def read(self, number: int, name: str) -> np.ndarray:
        """Return a chunk."""
        values: np.ndarray = self.arrays[name][self.rows(number)].read().result()
        return values


class ByTensorstoreUnsynced(ByTensorstore):
    """Through tensorstore, leaving it to the system when files reach the disk."""

    sync = False


WAYS: dict[str, type[Way]] = {
    "zarr": ByZarr,
    "by hand": ByHand,
    "tensorstore": ByTensorstore,
    "tensorstore, no sync": ByTensorstoreUnsynced,
}
Seconds = tuple[float, float]
"""By the clock and of the processor."""


def _opened(path: Path, context: tensorstore.Context) -> tensorstore.TensorStore:
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": f"{path}/"},
        "store_data_equal_to_fill_value": True,
        "fill_missing_data_reads": False,
    }
    return tensorstore.open(spec, open=True, context=context).result()


def measured(
    way: type[Way], folder: Path, specs: Mapping[str, ArraySpec], groups: list[Group]
) -> dict[str, Seconds]:
    """Write a store, read it and copy it.

    Args:
        way: how.
        folder: an empty folder.
        specs: the arrays.
        groups: their chunks.

    Returns:
        Seconds of each per chunk of all arrays.
    """
    first, second = way(folder / "first", specs), way(folder / "second", specs)
    marks = [(time.perf_counter(), time.process_time())]
    for number, group in enumerate(groups):
        first.write(number, group)
    marks.append((time.perf_counter(), time.process_time()))
    for number, group in enumerate(groups):
        for name in group:
            first.read(number, name)
    marks.append((time.perf_counter(), time.process_time()))
    for number, group in enumerate(groups):
        for name in group:
            second.move(number, name, first)
    marks.append((time.perf_counter(), time.process_time()))
    spans = [
        ((stop[0] - start[0]) / len(groups), (stop[1] - start[1]) / len(groups))
        for start, stop in pairwise(marks)
    ]
    return dict(zip(("write", "read", "copy"), spans, strict=True))


def contents(folder: Path) -> dict[str, bytes]:
    """Every chunk below a folder."""
    files = [file for file in folder.rglob("c/**/*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def table(name: str, repeats: int) -> list[str]:
    """Lines of the table of a store."""
    arrays, chunk, count = STORES[name]
    draw, rows = np.random.default_rng(0), chunk * count
    specs = {
        key: ArraySpec(
            ("row", *(f"{key}_{k}" for k in range(len(shape)))),
            (rows, *shape),
            (chunk, *shape),
            kind,
            "1",
            "",
        )
        for key, (shape, kind) in arrays.items()
    }
    groups: list[Group] = [
        {
            key: [draw.integers(0, 2000, shape).astype(kind) for _ in range(chunk)]
            for key, (shape, kind) in arrays.items()
        }
        for _ in range(count)
    ]
    turns: dict[str, list[dict[str, Seconds]]] = {way: [] for way in WAYS}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            for way, kind in WAYS.items():
                turns[way].append(measured(kind, Path(folder, way), specs, groups))
            expected = contents(Path(folder, "zarr"))
            assert expected
            for way in WAYS:
                assert contents(Path(folder, way)) == expected, way
    lines = [
        f"| {name}, ms a chunk | write | processor | read | processor | copy | processor |",
        "|---|---|---|---|---|---|---|",
    ]
    for way, found in turns.items():
        cells = [
            f"{1e3 * min(turn[job][kind] for turn in found):.2f}"
            for job in ("write", "read", "copy")
            for kind in (0, 1)
        ]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return lines


def main(repeats: Annotated[int, typer.Option(help="Turns; the fastest counts.")] = 5) -> None:
    """Print a table for each store."""
    for name in STORES:
        sys.stdout.write("\n".join(table(name, repeats)) + "\n\n")
        sys.stdout.flush()


if __name__ == "__main__":
    typer.run(main)
