"""What a run left on disk, opened for reading when it is first asked for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from explaind.config.dataset import Dataset
from explaind.errors import StoreError
from explaind.paths import Paths
from explaind.store import open_sealed


@dataclass(frozen=True)
class Sources:
    """Everything that a page may read; what is missing or incomplete is a `StoreError`.

    Attributes:
        paths: where the project keeps its files.
        name: name of the experiment that is drawn.
        run: name of its run, or `encoders`.
        dataset_name: name of the dataset of the run, or of the encoders.
        dataset: settings of that.
        results: kind and name of each experiment that is shown, by the key of the settings that
            names it, or by its name if the key names several; the one that is drawn by its kind.
            `result` reads tables, `store` stores.
        datasets: names of the datasets of those, by the same keys.
    """

    paths: Paths
    name: str
    run: str
    dataset_name: str
    dataset: Dataset
    results: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    datasets: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Return one row per step `s = 0..S`, the state at `theta_s`."""
        return read_metrics(self.paths, self.run)

    @cached_property
    def influence(self) -> xr.Dataset:
        """Return the accumulated influence store, lazy."""
        return open_sealed(self.paths.influence(self.run), rule="accumulate_kernel")

    @cached_property
    def validation(self) -> xr.Dataset:
        """Return true and reformulated log-probabilities of the validation split, lazy."""
        return open_sealed(self.paths.validation(self.run), rule="validate_epk")

    @cached_property
    def statistics(self) -> Mapping[str, Any]:
        """Return the numbers of `validation.json`."""
        return read_statistics(self.paths, self.run)

    @cached_property
    def data(self) -> xr.Dataset:
        """Return the store of the prepared dataset, lazy."""
        return open_sealed(self.paths.dataset(self.dataset_name), rule="prepare_dataset")

    def other_run(self, run: str) -> "Sources":
        """Return what another run on the same dataset left, without results of experiments."""
        return replace(self, run=run, results={}, datasets={})

    def of_kind(self, kind: str) -> list[str]:
        """Return the keys in `results` of the experiments of a kind."""
        return [key for key, (found, _) in self.results.items() if found == kind]

    def result(self, key: str) -> pd.DataFrame:
        """Read the table of an experiment on the run.

        Args:
            key: its key in `results`.

        Returns:
            Its table.
        """
        kind, name = self.results[key]
        return _read_table(self.paths.experiment(self.run, name), kind)

    def store(self, key: str) -> xr.Dataset:
        """Open the store of an experiment on the run, lazy.

        Args:
            key: its key in `results`.

        Returns:
            Its store.
        """
        kind, name = self.results[key]
        return open_sealed(self.paths.experiment(self.run, name, "zarr"), rule=kind)


def read_metrics(paths: Paths, run: str) -> pd.DataFrame:
    """Read the training metrics of a run; a `StoreError` if missing, broken or of another version.

    Args:
        paths: where the project keeps its files.
        run: name of the run.

    Returns:
        One row per step.
    """
    path = paths.metrics(run)
    table = _read_table(path, "train")
    _check_complete(table.attrs, {"units", "mini_batches"}, path, "train")
    return table


def read_statistics(paths: Paths, run: str) -> dict[str, Any]:
    """Read the validation statistics of a run.

    Args:
        paths: where the project keeps its files.
        run: name of the run.

    Returns:
        The numbers by name.

    Raises:
        StoreError: if the file is missing, not JSON or of another version.
    """
    path = paths.validation_summary(run)
    try:
        numbers = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise StoreError(_not_readable(path, error, "validate_epk")) from error
    _check_complete(numbers, {"unit"}, path, "validate_epk")
    return numbers


def _check_complete(found: Mapping[Any, Any], needed: set[str], path: Path, rule: str) -> None:
    """Refuse a file of a version that wrote less; stores say their version themselves."""
    missing = ", ".join(sorted(needed - set(found)))
    if missing:
        raise StoreError(
            f"{path}: expected {missing}, which an earlier version did not write. Run the rule"
            f" `{rule}` again."
        )


def _read_table(path: Path, rule: str) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise StoreError(_not_readable(path, error, rule)) from error


def _not_readable(path: Path, error: Exception, rule: str) -> str:
    return f"{path} is not readable ({error}). Run the rule `{rule}` again."
