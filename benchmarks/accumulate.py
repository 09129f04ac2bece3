"""Rate and memory of `accumulate_kernel` beside a plain copy of a file of the same size.

    python -m benchmarks.accumulate --megabytes 1024

Both read what lies in the page cache and end with the data on disk (fsync).
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import xarray as xr

from explaind.kernel.result import build_dataset
from explaind.pipeline.accumulate import merge_stores
from explaind.store import write_store

app = typer.Typer(add_completion=False)

COMPONENTS, TRAIN, STEPS, REPEATS = 7, 4000, 100, 5


def part(tests: int, shard: str, segment: str) -> xr.Dataset:
    """A store like those of `predict_epk`, mostly influence by component."""
    random = np.random.default_rng(0)
    query = (tests, 1)

    def numbers(*shape: int) -> np.ndarray:
        return random.standard_normal(shape, np.float32)

    whole = segment == "0/1"
    sums = ("data", "decay", "initial_output", "final_output")
    partial = ("step_data_sum", "step_data_absolute_sum", "step_residual_sum")
    arrays = {
        "influence": numbers(*query, TRAIN),
        "influence_by_component": numbers(COMPONENTS, *query, TRAIN),
        "step_true": numbers(STEPS, *query),
        **{name: np.ones(query) for name in (sums if whole else sums + partial)},
        "interval_start": np.array([0]),
        "interval_stop": np.array([STEPS]),
        "train_index": np.arange(TRAIN),
    }
    attributes = {
        "shard": shard,
        "segment": segment,
        "computed_dtype": "float32",
        "recorded_dtype": "float32",
        "precision_error": 0.0,
        "completeness_error": 0.0,
    }
    names = tuple(f"component {k}" for k in range(COMPONENTS))
    return build_dataset(arrays, names, ["target_logprob"], attributes, "nat")


def peak_bytes(reset: bool = False) -> int:
    """Largest resident memory of this process (Linux), from now on if it is reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    rows = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(row.split()[1]) for row in rows if row.startswith("VmHWM"))


@app.command()
def measure(folder: Path, shards: int, segments: int) -> None:
    """Copy and merge in turn; print seconds, median ratio and the growth of peak memory, bytes."""
    stores = [[folder / f"{k}_{t}.zarr" for t in range(segments)] for k in range(shards)]
    merged(stores, folder)  # what is imported on first use is no matter of the disk
    before = peak_bytes(reset=True)
    runs = [(copied(folder / "file"), merged(stores, folder)) for _ in range(REPEATS)]
    copy, merge = (statistics.median(column) for column in zip(*runs, strict=True))
    ratio = statistics.median(copy / merge for copy, merge in runs)
    found = {"copy": copy, "merge": merge, "ratio": ratio, "peak": peak_bytes() - before}
    sys.stdout.write(json.dumps(found) + "\n")


def copied(source: Path) -> float:
    """Seconds to copy a file and have it on disk."""
    target = source.with_suffix(".copy")
    start = time.perf_counter()
    with source.open("rb") as read, target.open("wb") as written:
        shutil.copyfileobj(read, written, 16 * 2**20)
        written.flush()
        os.fsync(written.fileno())
    seconds = time.perf_counter() - start
    target.unlink()
    return seconds


def merged(stores: list[list[Path]], folder: Path) -> float:
    """Seconds to merge stores and have the result on disk."""
    start = time.perf_counter()
    merge_stores(stores, folder / "all.zarr", top=10)
    os.sync()
    seconds = time.perf_counter() - start
    shutil.rmtree(folder / "all.zarr")
    return seconds


@app.command()
def main(
    megabytes: Annotated[int, typer.Option(help="Size of the merged store.")] = 1024,
    folder: Annotated[Path | None, typer.Option(help="Where to work, on the disk meant.")] = None,
) -> None:
    """Print a table of rates and memory, for some numbers of shards and segments."""
    sys.stdout.write(
        "| shards x segments | MB/s | copy MB/s | ratio | peak MB |\n|---|---|---|---|---|\n"
    )
    for shards, segments in ((2, 1), (4, 1), (8, 1), (2, 3)):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            rows = megabytes * 2**20 // (4 * (COMPONENTS + 1) * TRAIN) // shards * shards
            work = Path(name)
            _write_parts(work, rows, shards, segments)
            (work / "file").write_bytes(os.urandom(megabytes * 2**20))
            os.sync()
            command = [sys.executable, "-m", "benchmarks.accumulate", "measure", name]
            done = subprocess.run(
                [*command, str(shards), str(segments)], check=True, capture_output=True, text=True
            )
            found = json.loads(done.stdout)
            sys.stdout.write(
                f"| {shards} x {segments} | {megabytes / found['merge']:.0f} |"
                f" {megabytes / found['copy']:.0f} | {found['ratio']:.2f} |"
                f" {found['peak'] / 2**20:.0f} |\n"
            )
            sys.stdout.flush()


def _write_parts(folder: Path, rows: int, shards: int, segments: int) -> None:
    for k, tests in enumerate(np.diff(np.linspace(0, rows, shards + 1).astype(int))):
        for t in range(segments):
            dataset = part(int(tests), f"{k}/{shards}", f"{t}/{segments}")
            write_store(folder / f"{k}_{t}.zarr", dataset, dataset.attrs)


if __name__ == "__main__":
    app()
