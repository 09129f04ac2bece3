"""Run what an experiment computes, and write its result.

The `compute` module of an experiment defines `compute(job) -> table or store`, a function of what
the `Job` gives it; paths and writing are here.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar

import pandas as pd
import xarray as xr
from torch import nn

from explaind.config.experiment import ExperimentSettings
from explaind.config.run import Run, check_sizes
from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.data.load import LoadedDataset, load_dataset
from explaind.files import writing_result
from explaind.kernel.path_kernel import PathKernel
from explaind.models.registry import build_model
from explaind.paths import Paths
from explaind.pipeline.load_kernel import open_kernel
from explaind.store import only_writer, open_sealed, write_store

SettingsT_co = TypeVar("SettingsT_co", bound=ExperimentSettings, covariant=True)


@dataclass(frozen=True)
class Job(Generic[SettingsT_co]):
    """What an experiment is computed from; data and stores are read when they are asked for.

    Attributes:
        name: name of the experiment.
        settings: its section of the config.
        config: the whole config.
        paths: where things lie.
        scratch: a folder for stores that are needed only until the result is there; it does not
            exist yet and is removed afterwards.
    """

    name: str
    settings: SettingsT_co
    config: Config
    paths: Paths
    scratch: Path

    @property
    def run(self) -> Run:
        """Return the settings of the run."""
        return self.config.runs[self.settings.run]

    @property
    def values(self) -> dict[str, Any]:
        """Return the values of the config that the result depends on, JSON only."""
        return stage_config(self.config, self.settings.kind, self.name)

    @cached_property
    def data(self) -> LoadedDataset:
        """Return the dataset of the run."""
        data = load_dataset(self.config, self.paths, self.run.dataset)
        check_sizes(self.settings.run, self.run, len(data.y_train), len(data.y_validation))
        return data

    @cached_property
    def kernel(self) -> PathKernel:
        """Return the path kernel of the run."""
        expected = stage_config(self.config, "train", self.settings.run)
        return open_kernel(self.run, self.data, self.paths.history(self.settings.run), expected)

    @cached_property
    def influence(self) -> xr.Dataset:
        """Return the influence store of the run, lazy."""
        return open_sealed(self.paths.influence(self.settings.run), rule="accumulate_kernel")

    def result(self, key: str) -> xr.Dataset:
        """Open the store of another experiment on the run, lazy.

        Args:
            key: the key of the settings that names it.

        Returns:
            Its store; one that is missing or of another configuration is refused (`StoreError`).
        """
        name, kind = getattr(self.settings, key), self.config.spec(self.name).results[key]
        path = self.paths.experiment(self.settings.run, name, "zarr")
        return open_sealed(path, stage_config(self.config, kind, name), rule=kind)

    def trained_model(self) -> nn.Module:
        """Return the network at the end of its recorded training, on the device of the run."""
        history, data = self.kernel.history, self.data
        model = build_model(self.run.model, data.classes, data.input_shape)
        trained = history.layout.unflatten(history.theta(history.steps))
        model.load_state_dict({**history.constants(), **trained})
        return model.to(history.device)


def compute_experiment(config: Config, paths: Paths, name: str) -> None:
    """Compute an experiment and write `results/{run}/experiments/{name}`, at once or not at all.

    What it reads and is missing, incomplete or of another configuration is a `StoreError`, and so
    is another process at this experiment; settings that do not fit the run are a `ConfigError`.

    Args:
        config: the whole config.
        paths: where things lie.
        name: name of the experiment.
    """
    settings, computed = config.experiments[name], config.spec(name).computed
    assert computed is not None  # the rules and commands are those of the registry
    path = paths.experiment(settings.run, name, computed.suffix)
    compute = import_module(f"explaind.experiments.{settings.kind}.compute").compute
    with _scratch_folder(path) as scratch:
        job = Job(name, settings, config, paths, scratch)
        _write(compute(job), path, job.values)


def _write(result: pd.DataFrame | xr.Dataset, path: Path, values: dict[str, Any]) -> None:
    if isinstance(result, xr.Dataset):
        write_store(path, result, {**result.attrs, "config": values})
        return
    with writing_result(path) as temporary:
        result.to_parquet(temporary, index=False)


@contextmanager
def _scratch_folder(result: Path) -> Iterator[Path]:
    """Give a folder beside the result of an experiment; it is gone after the block."""
    folder = result.with_name(f".{result.stem}.scratch")
    with only_writer(folder):
        shutil.rmtree(folder, ignore_errors=True)  # never go on with trainings of a killed process
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
