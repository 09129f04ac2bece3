"""The rule `plan_epk`: what explaining a run costs, and how it is divided."""

import logging

import torch

from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.files import write_json
from explaind.paths import Paths
from explaind.pipeline.measure import open_run
from explaind.pipeline.stored_plan import PLANNED, made_for, sized_by
from explaind.plan.build import Plan, build_plan
from explaind.plan.machine import MEGABYTE, this_machine

logger = logging.getLogger(__name__)


def plan_of_run(config: Config, paths: Paths, run: str, cores: int) -> Plan:
    """Plan the explanation of a recorded run.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.
        cores: cores that the jobs share.

    Returns:
        The plan.

    Raises:
        PlanError: if the memory given cannot hold even one explained sample.
        StoreError: if the dataset or history store is missing or of another configuration.
    """
    epk = config.runs[run].epk
    torch.set_num_threads(1)  # the rate of one core
    opened = open_run(config, paths, run)
    return build_plan(opened.sizes, this_machine(opened, cores, epk.memory_gb), epk.shards)


def plan_epk(config: Config, paths: Paths, run: str, cores: int) -> None:
    """Write `results/{run}/plan.json`.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.
        cores: cores that the jobs share.
    """
    plan = plan_of_run(config, paths, run, cores)
    origin = {
        "stage": "plan_epk",
        "config": stage_config(config, "plan_epk", run),
        "sized_by": sized_by(config, run),
        "made_for": {rule: made_for(config, run, rule) for rule in PLANNED},
    }
    write_json(paths.plan(run), plan | origin)
    logger.info(
        "%d shards of %d passes of %d samples, %.0f MB each of %.0f MB given",
        plan["shards"],
        plan["passes"],
        plan["samples_per_pass"],
        plan["jobs"]["predict_epk"]["peak_bytes"] / MEGABYTE,
        plan["memory_per_job"] / MEGABYTE,
    )
