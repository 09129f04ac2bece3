"""The rule `plan_epk`: what explaining a run costs, and how it is divided."""

import gc
import logging
from typing import Any

import torch

from explaind.config.epk import Epk
from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.data.load import LoadedDataset
from explaind.files import write_json
from explaind.kernel.functionals import find_functional
from explaind.models.registry import build_model
from explaind.paths import Paths
from explaind.pipeline.load_kernel import load_kernel
from explaind.pipeline.stored_plan import PLANNED, made_for, sized_by
from explaind.plan.build import Plan, build_plan
from explaind.plan.machine import MEGABYTE, memory_in_use, this_machine
from explaind.plan.measure import measured_sizes, recorded_sizes
from explaind.plan.sizes import Sizes
from explaind.training.task import task_of

logger = logging.getLogger(__name__)


def plan_run(config: Config, paths: Paths, run: str, cores: int) -> Plan:
    """Plan the explanation of a recorded run.

    Memory that cannot hold even one explained sample is refused (`PlanError`), and so are stores
    that are missing or of another configuration (`StoreError`).

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.
        cores: cores that the jobs share.

    Returns:
        The plan.
    """
    torch.set_num_threads(1)  # the rate of one core
    loaded, settings = load_kernel(config, paths, run), config.runs[run]
    history, data, epk = loaded.kernel.history, loaded.data, settings.epk
    device = torch.device(history.device)
    gc.collect()
    opened = memory_in_use(device)
    loss_fn = task_of(settings.training.loss).loss_fn
    sizes = Sizes(
        **recorded_sizes(history, epk.segments),
        **_asked(epk, data),
        **measured_sizes(
            history,
            build_model(settings.model, data.classes, data.input_shape),
            find_functional(epk.functional, loss_fn).function,
            loss_fn,
            (data.x_train, data.y_train),
        ),
    )
    return build_plan(sizes, this_machine(device, opened, cores, epk.memory_gb), epk.shards)


def plan_epk(config: Config, paths: Paths, run: str, cores: int) -> None:
    """Write `results/{run}/plan.json`.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.
        cores: cores that the jobs share.
    """
    plan = plan_run(config, paths, run, cores)
    origin = {
        "stage": "plan_epk",
        "config": stage_config(config, "plan_epk", run),
        "sized_by": sized_by(config, run),
        "made_for": {rule: made_for(config, run, rule) for rule in PLANNED},
    }
    write_json(paths.plan(run), plan | origin)
    logger.info(
        "shards: %d, query blocks of each: %d of %d samples, %.0f MB each of %.0f MB given",
        plan["shards"],
        plan["blocks"],
        plan["samples_per_block"],
        plan["jobs"]["predict_epk"]["peak_bytes"] / MEGABYTE,
        plan["memory_per_job"] / MEGABYTE,
    )


def _asked(epk: Epk, data: LoadedDataset) -> dict[str, Any]:
    """Sizes of what the config asks for."""
    splits = epk.credit == "application_step" and "interval" in epk.keep
    return {
        "train": len(data.x_train),
        "samples": epk.samples or len(data.x_validation),
        "intervals": epk.intervals,
        "keep": epk.keep,
        "kept_train": _kept(epk, data),
        "top": epk.top,
        "adjoint_parts": 2 if splits else 1,
        "subintervals": epk.quadrature.subintervals,
        "refines": epk.quadrature.tolerance is not None,
    }


def _kept(epk: Epk, data: LoadedDataset) -> int:
    """Length of the training axis of the influence arrays."""
    if epk.groups is not None:
        return len(set(data.labels(epk.groups)))
    return len(epk.train_samples or data.x_train)
