"""Run what an experiment computes, and write its result.

The `compute` module of an experiment defines `compute(job) -> table or store`, a function of what
the `Job` gives it; paths and writing are here. A part of an experiment is that experiment, asked
for less: the same function computes it.
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
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor, nn

from explaind.config.dataset import ImageDataset
from explaind.config.experiment import (
    EncoderExperimentSettings,
    ExperimentSettings,
    Settings,
)
from explaind.config.run import Run, check_sizes
from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.data.load import LoadedDataset, load_dataset, normalised
from explaind.errors import StoreError
from explaind.files import as_json, writing_result
from explaind.fingerprint import code_fingerprint
from explaind.kernel.path_kernel import PathKernel
from explaind.models.encoders.network import EncoderNetwork
from explaind.models.registry import build_model
from explaind.paths import Paths
from explaind.pipeline.load_encoder import load_encoder, open_encoder_kernel
from explaind.pipeline.load_kernel import open_kernel
from explaind.store import only_writer, open_sealed, write_store

ORIGIN = "config"
"""Attribute of the table of a part: the values that it was made with."""

AnyT_co = TypeVar("AnyT_co", bound=Settings, covariant=True)
SettingsT_co = TypeVar("SettingsT_co", bound=ExperimentSettings, covariant=True)
EncoderT_co = TypeVar("EncoderT_co", bound=EncoderExperimentSettings, covariant=True)


@dataclass(frozen=True)
class AnyJob(Generic[AnyT_co]):
    """What any experiment is computed from.

    Attributes:
        name: name of the experiment.
        settings: its section of the config.
        config: the whole config.
        paths: where things lie.
        scratch: a folder for what is needed only until the result is there, then it is removed. A
            process that was killed leaves in it what it had finished, for the next one.
    """

    name: str
    settings: AnyT_co
    config: Config
    paths: Paths
    scratch: Path

    @property
    def values(self) -> dict[str, Any]:
        """Return the values of the config that the result depends on, JSON only."""
        return stage_config(self.config, self.config.spec(self.name).name, self.name)

    def result(self, key: str) -> xr.Dataset:
        """Open the store of another experiment on the same run, or of encoders, lazy.

        Args:
            key: the key of the settings that names it.

        Returns:
            Its store; one that is missing or of another configuration is refused (`StoreError`).
        """
        name, kind = getattr(self.settings, key), self.config.spec(self.name).results[key]
        path = self.paths.experiment(self.settings.subject, name, "zarr")
        return open_sealed(path, stage_config(self.config, kind, name), rule=kind)


@dataclass(frozen=True)
class Job(AnyJob[SettingsT_co]):
    """What an experiment on a run is computed from; all is read when it is asked for."""

    @property
    def run(self) -> Run:
        """Return the settings of the run."""
        return self.config.runs[self.settings.run]

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

    def trained_model(self) -> nn.Module:
        """Return the network at the end of its recorded training, on the device of the run."""
        return self.model_at(self.kernel.history.theta(self.kernel.history.steps))

    def model_at(self, theta: Float[Tensor, " param"]) -> nn.Module:
        """Return the network of the run with other parameters, on the device of the run."""
        history, data = self.kernel.history, self.data
        model = build_model(self.run.model, data.classes, data.input_shape)
        model.load_state_dict({**history.constants(), **history.layout.unflatten(theta)})
        return model.to(history.device)


@dataclass(frozen=True)
class EncoderJob(AnyJob[EncoderT_co]):
    """What an experiment about encoders is computed from; all is read when it is asked for."""

    @property
    def dataset(self) -> str:
        """Name of the dataset that the encoders are trained on."""
        return self.config.encoders[self.settings.encoders[0]].dataset

    @cached_property
    def data(self) -> LoadedDataset:
        """Return that dataset; its validation part is the test set, which no training has seen."""
        return load_dataset(self.config, self.paths, self.dataset)

    @cached_property
    def baseline(self) -> Tensor:
        """Return what stands for the absence of an input, with a sample axis of length 1.

        A black image; of series the mean of the normal ones that are trained on.
        """
        settings, data = self.config.datasets[self.dataset], self.data
        if isinstance(settings, ImageDataset):
            black = torch.zeros(1, *data.input_shape, dtype=torch.uint8)
            return normalised(black, settings, f"datasets.{self.dataset}")
        return data.x_train[data.y_train == 0].mean(0, keepdim=True)

    @property
    def tasks(self) -> list[str]:
        """Names of what the encoders are trained to do; those of the encoders if they are alike."""
        kinds: list[str] = [
            self.config.encoders[name].pretext.kind for name in self.settings.encoders
        ]
        return kinds if len(set(kinds)) == len(kinds) else list(self.settings.encoders)

    @property
    def replicates(self) -> range:
        """Numbers of the replicates that all of the encoders have."""
        return range(min(self.config.encoders[name].replicates for name in self.settings.encoders))

    def network(self, name: str, replicate: int) -> EncoderNetwork:
        """Load a trained network in evaluation mode; what is explained is its `encoder`.

        Args:
            name: name of the encoder.
            replicate: number of the replicate.

        Returns:
            The network; one that is missing or of another configuration is refused (`StoreError`).
        """
        return load_encoder(self.config, self.paths, name, replicate, self.data)

    def kernel(self, name: str, replicate: int) -> PathKernel:
        """Open the recorded path of an encoder that has `history`.

        Args:
            name: name of the encoder.
            replicate: number of the replicate.

        Returns:
            The path kernel of the whole network; refused is what `load_encoder` refuses.
        """
        return open_encoder_kernel(self.config, self.paths, name, replicate, self.data)


def compute_experiment(config: Config, paths: Paths, name: str) -> None:
    """Compute an experiment and write `results/{run}/experiments/{name}`, at once or not at all.

    If it is computed in parts, their tables are put one below the other. What it reads and is
    missing, incomplete or of another configuration is a `StoreError`, and so is another process at
    this experiment; settings that do not fit the run are a `ConfigError`.

    Args:
        config: the whole config.
        paths: where things lie.
        name: name of the experiment.
    """
    settings, computed = config.experiments[name], config.spec(name).computed
    assert computed is not None  # the rules and commands are those of the registry
    path = paths.experiment(settings.subject, name, computed.suffix)
    if computed.parts is None:
        with _job(config, paths, name, path) as job:
            _write(_computed(job), path, job.values)
        return
    tables = [_table_of_part(config, paths, name, part) for part in config.parts(name)]
    _write(pd.concat(tables, ignore_index=True), path, {})


def compute_part(config: Config, paths: Paths, name: str, part: str) -> None:
    """Compute one part of an experiment and write its table; errors are those of the whole.

    Args:
        config: the whole config.
        paths: where things lie.
        name: name of the experiment.
        part: name of the part.
    """
    path = paths.part(config.experiments[name].subject, name, part)
    with _job(config.of_part(name, part), paths, name, path) as job:
        table = _computed(job)
        table.attrs[ORIGIN] = job.values
        _write(table, path, job.values)


def _table_of_part(config: Config, paths: Paths, name: str, part: str) -> pd.DataFrame:
    settings, kind = config.experiments[name], config.spec(name).name
    path = paths.part(settings.subject, name, part)
    expected = stage_config(config.of_part(name, part), kind, name)
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        found = f"is not readable ({error})"
    else:
        if table.attrs.pop(ORIGIN, None) == expected:
            return table
        found = "was made with another configuration"
    command = f"explaind experiment-part --experiment {name} --part {part}"
    raise StoreError(f"{path} {found}. Compute this part first: `{command}`.")


def _computed(job: AnyJob[Any]) -> pd.DataFrame | xr.Dataset:
    module = import_module(f"{job.config.spec(job.name).folder}.compute")
    result: pd.DataFrame | xr.Dataset = module.compute(job)
    return result


def _write(result: pd.DataFrame | xr.Dataset, path: Path, values: dict[str, Any]) -> None:
    if isinstance(result, xr.Dataset):
        write_store(path, result, {**result.attrs, "config": values})
        return
    with writing_result(path) as temporary:
        result.to_parquet(temporary, index=False)


@contextmanager
def _job(config: Config, paths: Paths, name: str, result: Path) -> Iterator[AnyJob[Any]]:
    """Give the job that a result is computed by; its folder is gone after the block.

    What a killed process left there is found again if it was made by the same code with the same
    values.

    Yields:
        The job.
    """
    folder, settings = result.with_name(f".{result.stem}.scratch"), config.experiments[name]
    made_for = EncoderJob if isinstance(settings, EncoderExperimentSettings) else Job
    job: AnyJob[Any] = made_for(name, settings, config, paths, folder)
    compute = f"{config.spec(name).folder}.compute"
    origin = as_json({"values": job.values, "code": code_fingerprint(__name__, compute)})
    note = folder / "origin.json"
    with only_writer(folder):
        if not note.is_file() or note.read_text(encoding="utf-8") != origin:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            note.write_text(origin, encoding="utf-8")
        try:
            yield job
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)
