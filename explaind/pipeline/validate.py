"""The rule `validate_epk`: reformulated outputs of all validation samples against true ones.

All outputs of the network are rebuilt; of text, with a score for every token at every position,
those that are explained.
"""

import logging

import numpy as np
import xarray as xr

from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.files import write_json
from explaind.kernel.result import REFORMULATION, described
from explaind.paths import Paths
from explaind.pipeline.load_kernel import load_kernel
from explaind.store import write_store
from explaind.training.task import Task, task_of

logger = logging.getLogger(__name__)


def validation_statistics(
    task: Task, true: np.ndarray, reformulated: np.ndarray, target: np.ndarray
) -> dict[str, float]:
    """Statistics of a reformulation (mathematics, section 7).

    Args:
        task: what was trained on.
        true: outputs of the trained model, `[test, class]`.
        reformulated: initial output plus data part plus regularisation part, `[test, class]`.
        target: target of each sample.

    Returns:
        Mean / max / standard deviation of the error `true - reformulated` over all outputs, and
        what the task compares.
    """
    error = true - reformulated
    return {
        **task.compare(true, reformulated, target),
        "absolute_error_mean": float(np.abs(error).mean()),
        "absolute_error_max": float(np.abs(error).max()),
        "error_std": float(error.std()),
    }


def validate_epk(config: Config, paths: Paths, run: str) -> None:
    """Rebuild outputs of all validation samples and compare.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.
    """
    opened, settings = load_kernel(config, paths, run), config.runs[run]
    target = opened.data.y_validation
    rebuilt = opened.kernel.reformulate(opened.data.x_validation, target, settings.rebuilt)
    rebuilt = rebuilt.assign(target=_described_target(target.numpy()))
    attributes = {"stage": "validate_epk", "config": stage_config(config, "validate_epk", run)}
    write_store(paths.validation(run), rebuilt, attributes)
    statistics = _statistics(task_of(settings.training.loss), rebuilt)
    write_json(paths.validation_summary(run), statistics)
    logger.info("validation: %s", statistics)


def _described_target(target: np.ndarray) -> xr.Variable:
    """The targets as xarray takes them; what a sample has several of is on axes `target_1`, ..."""
    dims, values, attributes = described(REFORMULATION, "target", target)
    further = (f"target_{axis}" for axis in range(1, target.ndim))
    return xr.Variable((*dims, *further), values, attributes)


def _statistics(task: Task, rebuilt: xr.Dataset) -> dict[str, float | int | str]:
    true, reformulated = rebuilt["true"].values, rebuilt["reformulated"].values
    sizes = {
        "samples": rebuilt.sizes["test"],
        "classes": rebuilt.sizes["class"],
        "steps": rebuilt.sizes["step"],
        "unit": rebuilt["true"].attrs["units"],
    }
    target = rebuilt["target"].values
    return {**validation_statistics(task, true, reformulated, target), **sizes}
