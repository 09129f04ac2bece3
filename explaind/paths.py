"""Every path below `data/` and `results/`, made in one place.

The workflow builds its inputs and outputs with the same methods by passing wildcards as names:
`Paths().history("{run}")`.
"""

from dataclasses import dataclass
from pathlib import Path

FILES = "files"
"""Group without arrays in every store, for what is no array: zarr warns of any other file."""

SEAL = f"{FILES}/seal.json"
"""Written last: a store without it is incomplete."""


def seal(store: Path) -> Path:
    """Return the file that marks a store as complete; rules declare it as their output."""
    return store / SEAL


def shard_label(shard: str, segment: str = "0/1") -> str:
    """Name the store of one shard and time segment.

    Args:
        shard: `"k/n"`, part of the explained samples.
        segment: `"t/m"`, part of the training steps.

    Returns:
        E.g. `0-of-2`, or `0-of-2_t1-of-3` if the steps are divided.
    """
    label = shard.replace("/", "-of-")
    return label if segment == "0/1" else f"{label}_t{segment.replace('/', '-of-')}"


def shard_labels(shards: int, segments: int) -> list[list[str]]:
    """Return the names of all stores of a run, by shard and segment."""
    return [
        [shard_label(f"{k}/{shards}", f"{t}/{segments}") for t in range(segments)]
        for k in range(shards)
    ]


@dataclass(frozen=True)
class Paths:
    """Paths of one project directory.

    Args:
        root: the directory that holds `data/` and `results/`.
    """

    root: str | Path = "."

    @property
    def results(self) -> Path:
        """Return the directory of everything that is computed from the datasets."""
        return Path(self.root, "results")

    def config(self) -> Path:
        """Return the resolved config: complete, defaults filled in, JSON."""
        return self.results / "config.json"

    def dataset(self, dataset: str) -> Path:
        """Return the store of a prepared dataset with its split."""
        return Path(self.root, "data", "processed", f"{dataset}.zarr")

    def downloads(self) -> Path:
        """Return the directory of the datasets as they were downloaded."""
        return Path(self.root, "data", "raw")

    def history(self, run: str) -> Path:
        """Return the store of the recorded training path."""
        return self.results / run / "history.zarr"

    def metrics(self, run: str) -> Path:
        """Return the table with one row per training step."""
        return self.results / run / "metrics.parquet"

    def plan(self, run: str) -> Path:
        """Return the plan: what explaining a run costs and how it is divided, as JSON."""
        return self.results / run / "plan.json"

    def shard(self, run: str, shard: str) -> Path:
        """Return the influence store of one shard of the samples; `shard` is e.g. `0-of-2`."""
        return self.results / run / "epk" / f"{shard}.zarr"

    def influence(self, run: str) -> Path:
        """Return the influence store of all explained samples."""
        return self.results / run / "influence.zarr"

    def validation(self, run: str) -> Path:
        """Return the store with the reformulated outputs of all validation samples."""
        return self.results / run / "validation.zarr"

    def validation_summary(self, run: str) -> Path:
        """Return the validation statistics as JSON."""
        return self.results / run / "validation.json"

    def experiment(self, run: str, name: str, suffix: str = "parquet") -> Path:
        """Return the result of an experiment on a run; `suffix` is `parquet` or `zarr`."""
        return self.results / run / "experiments" / f"{name}.{suffix}"

    def part(self, run: str, name: str, part: str) -> Path:
        """Return the table of one part of an experiment that is computed in parts."""
        return self.results / run / "experiments" / name / f"{part}.parquet"

    def encoder(self, encoder: str, replicate: str | int) -> Path:
        """Return the store of one trained encoder: its weights and how it learned."""
        return self.results / "encoders" / encoder / f"{replicate}.zarr"

    def encoder_path(self, encoder: str, replicate: str | int) -> Path:
        """Return the store of the recorded training path of an encoder, if it is recorded."""
        return self.results / "encoders" / encoder / f"{replicate}_path.zarr"

    def encoder_checkpoint(self, encoder: str, replicate: str | int) -> Path:
        """Return the file that a training of an encoder goes on from after it was stopped."""
        return self.results / "encoders" / encoder / f".{replicate}_checkpoint.npz"

    def benchmark(self, run: str, name: str) -> Path:
        """Return the table of time and memory of one rule, measured by Snakemake."""
        return self.results / run / "benchmarks" / f"{name}.tsv"

    def figures(self) -> Path:
        """Return the directory of the pages."""
        return self.results / "figures"

    def figure(self, name: str) -> Path:
        """Return the page of an experiment."""
        return self.figures() / f"{name}.html"

    def table(self, name: str, panel: str, suffix: str = "csv") -> Path:
        """Return a table behind the panels of a page; `suffix` is `csv` or `parquet`."""
        return self.figures() / "tables" / f"{name}_{panel}.{suffix}"

    def plotly_js(self) -> Path:
        """Return the plotting library that all pages share."""
        return self.figures() / "plotly.min.js"

    def index(self) -> Path:
        """Return the page that links everything."""
        return self.results / "index.html"
