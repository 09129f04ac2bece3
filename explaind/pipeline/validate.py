"""The rule `validate_epk`: reformulated outputs of all validation samples against true ones."""

import logging

import numpy as np
import torch
import xarray as xr

from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.files import write_json
from explaind.kernel.result import REFORMULATION, described
from explaind.paths import Paths
from explaind.pipeline.load_kernel import kernel_of_run
from explaind.store import write_store

logger = logging.getLogger(__name__)


def validation_statistics(
    true: np.ndarray, reformulated: np.ndarray, target: np.ndarray
) -> dict[str, float]:
    """Statistics of a reformulation (mathematics, section 7).

    Args:
        true: outputs of the trained model, `[test, class]`.
        reformulated: initial output plus data part plus decay part, `[test, class]`.
        target: target class of each sample.

    Returns:
        Accuracies, agreement of argmax, mean / max / standard deviation of the error `true -
        reformulated` over all outputs, and the mean over samples of `KL(softmax true || softmax
        reformulated)`, nat.
    """
    error = true - reformulated
    p, q = (torch.from_numpy(f).log_softmax(1).numpy() for f in (true, reformulated))
    divergence = (np.exp(p) * (p - q)).sum(1)
    return {
        "model_accuracy": float((true.argmax(1) == target).mean()),
        "reformulated_accuracy": float((reformulated.argmax(1) == target).mean()),
        "argmax_agreement": float((true.argmax(1) == reformulated.argmax(1)).mean()),
        "deviation_mean": float(np.abs(error).mean()),
        "deviation_max": float(np.abs(error).max()),
        "deviation_std": float(error.std()),
        "kl_mean_per_sample": float(divergence.mean()),
    }


def validate_epk(config: Config, paths: Paths, run: str) -> None:
    """Rebuild all outputs of all validation samples and compare.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.
    """
    opened = kernel_of_run(config, paths, run)
    target = opened.data.y_validation
    rebuilt = opened.kernel.reformulate(opened.data.x_validation, target)
    rebuilt = rebuilt.assign(target=described(REFORMULATION, "target", target.numpy()))
    attributes = {"stage": "validate_epk", "config": stage_config(config, "validate_epk", run)}
    write_store(paths.validation(run), rebuilt, attributes)
    statistics = _statistics(rebuilt)
    write_json(paths.validation_summary(run), statistics)
    logger.info("validation: %s", statistics)


def _statistics(rebuilt: xr.Dataset) -> dict[str, float | int]:
    true, reformulated = rebuilt["true"].values, rebuilt["reformulated"].values
    sizes = {
        "samples": rebuilt.sizes["test"],
        "classes": rebuilt.sizes["class"],
        "steps": rebuilt.sizes["step"],
    }
    return {**validation_statistics(true, reformulated, rebuilt["target"].values), **sizes}
