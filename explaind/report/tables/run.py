"""Everything that a finished run left on disk, opened for reading."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from explaind.errors import StoreError
from explaind.paths import Paths
from explaind.store import open_sealed


@dataclass(frozen=True)
class RunStores:
    """The stores of one run.

    Attributes:
        metrics: one row per step `s = 0..S`, the state at `theta_s`.
        influence: the accumulated influence store, lazy.
        validation: true and reformulated log-probabilities of the validation split, lazy.
        statistics: the numbers of `validation.json`.
    """

    metrics: pd.DataFrame
    influence: xr.Dataset
    validation: xr.Dataset
    statistics: dict[str, Any]


def open_run(paths: Paths, run: str) -> RunStores:
    """Open the stores of a run.

    Args:
        paths: where the project keeps its files.
        run: name of the run in the configuration.

    Returns:
        The opened stores.

    Raises:
        StoreError: if one of them is missing or incomplete.
    """
    return RunStores(
        metrics=read_metrics(paths.metrics(run)),
        influence=open_sealed(paths.influence(run), rule="accumulate_kernel"),
        validation=open_sealed(paths.validation(run), rule="validate_epk"),
        statistics=read_statistics(paths.validation_summary(run)),
    )


def read_metrics(path: Path) -> pd.DataFrame:
    """Read the table of training metrics, one row per step.

    Raises:
        StoreError: if the file is missing or unreadable.
    """
    return read_table(path, "train")


def read_table(path: Path, rule: str) -> pd.DataFrame:
    """Read a parquet table that a rule wrote.

    Raises:
        StoreError: if the file is missing or unreadable, naming the rule.
    """
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} is not readable ({error}). Run the rule `{rule}` again."
        ) from error


def read_statistics(path: Path) -> dict[str, Any]:
    """Read the validation numbers.

    Raises:
        StoreError: if the file is missing or not JSON.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} is not readable ({error}). Run the rule `validate_epk` again."
        ) from error
