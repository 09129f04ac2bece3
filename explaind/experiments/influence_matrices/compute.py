"""The influence of every training sample on every explained one in single steps."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from explaind.errors import ConfigError
from explaind.experiments.influence_matrices.settings import InfluenceMatricesSettings
from explaind.experiments.job import Job
from explaind.report.sources import read_metrics
from explaind.report.tables.phases import find_phases

logger = logging.getLogger(__name__)


def compute(job: Job[InfluenceMatricesSettings]) -> xr.Dataset:
    """Explain single steps for the explained samples of the run, or the first ones of them.

    Args:
        job: the experiment.

    Returns:
        `influence` `[step, component, test, output, train]` of the steps `step`, all training
        samples; the attribute `credit` says what of a step.
    """
    settings, kernel, data = job.settings, job.kernel, job.data
    explained = job.influence["test_index"].to_numpy()[: settings.samples]
    functional = str(job.influence.attrs["functional"])
    steps = chosen_steps(
        settings.steps,
        read_metrics(job.paths, settings.run),
        f"experiments.{job.name}.steps",
    )
    matrices = []
    for step in steps:
        x, y = data.x_validation[explained], data.y_validation[explained]
        matrix = kernel.explain_step(x, y, step, functional, credit=settings.credit)
        matrices.append(matrix.astype(np.float32))
        logger.info("explained step %d", step)
    numbers = xr.Variable("step", list(steps), {"units": "step", "description": "the step"})
    joined = xr.concat(matrices, "step", combine_attrs="override")
    return xr.Dataset({"influence": joined, "number": numbers}, attrs={"credit": settings.credit})


def chosen_steps(steps: Sequence[int] | None, metrics: pd.DataFrame, key: str) -> list[int]:
    """Return the steps that are explained.

    Args:
        steps: those asked for; None = chosen by what the run did.
        metrics: the metrics of the run.
        key: where they were asked for, for the message.

    Returns:
        The steps; without any asked for, those of memorisation and generalisation and the one
        half-way, or without phases those after a third and two thirds and the last one.

    Raises:
        ConfigError: for a step that the run does not have.
    """
    last = int(metrics["step"].iloc[-1]) - 1
    if steps is not None:
        beyond = [step for step in steps if step > last]
        if beyond:
            raise ConfigError(f"{key}: expected steps up to {last}, the last one, got {beyond}")
        return list(steps)
    phases = find_phases(metrics)
    if phases.memorisation is None:
        return sorted({last // 3, 2 * last // 3, last})
    end = last if phases.generalisation is None else min(phases.generalisation, last)
    return sorted({phases.memorisation, (phases.memorisation + end) // 2, end})
