"""The path kernel of a run of the config."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explaind.config.run import Run, check_sizes
from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.data.augmentation import build_augmentation
from explaind.data.load import LoadedDataset, load_dataset
from explaind.device import resolve_device
from explaind.kernel.contraction.precision import Contraction, dtype_of
from explaind.kernel.path_kernel import PathKernel
from explaind.kernel.query.quadrature import Quadrature
from explaind.models.registry import build_model
from explaind.paths import Paths
from explaind.training.task import task_of


@dataclass(frozen=True)
class RunKernel:
    """A run's path kernel and its dataset."""

    kernel: PathKernel
    data: LoadedDataset


def load_kernel(config: Config, paths: Paths, run: str) -> RunKernel:
    """Open the recorded run.

    Stores that are missing, incomplete or of another configuration are refused (`StoreError`).

    Args:
        config: the whole configuration; the stores must have been made with it.
        paths: where things lie.
        run: name of the run.

    Returns:
        The kernel and the dataset.
    """
    settings = config.runs[run]
    data = load_dataset(config, paths, settings.dataset)
    check_sizes(run, settings, len(data.y_train), len(data.y_validation))
    expected = stage_config(config, "train", run)
    return RunKernel(open_kernel(settings, data, paths.history(run), expected), data)


def open_kernel(
    settings: Run, data: LoadedDataset, path: Path, config: dict[str, Any]
) -> PathKernel:
    """Open the recorded path of a training.

    A store that is missing, incomplete or of another configuration is refused (`StoreError`), and
    so is a path that does not follow from the data (`RecordingError`).

    Args:
        settings: the run, as it was given to `record_training`.
        data: the dataset trained on.
        path: folder of the history store.
        config: what the store must have been made with.

    Returns:
        The kernel.
    """
    epk, device = settings.epk, resolve_device(settings.epk.device)
    return PathKernel(
        path,
        build_model(settings.model, data.classes, data.input_shape),
        task_of(settings.training.loss).loss_fn,
        (data.x_train.to(device), data.y_train.to(device)),
        augment=build_augmentation(settings.training, len(data.y_train)),
        quadrature=Quadrature(**epk.quadrature.model_dump()),
        dtype=dtype_of(epk.precision),
        device=device,
        contraction=Contraction(epk.precision, device),
        config=config,
    )
