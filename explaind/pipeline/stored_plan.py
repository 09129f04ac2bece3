"""The plan of a run as the other rules read it."""

import json
from typing import Any

from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.errors import StoreError
from explaind.fingerprint import code_fingerprint
from explaind.paths import Paths

PLANNED = {"predict_epk": "explaind.pipeline.predict", "validate_epk": "explaind.pipeline.validate"}
"""The rules that take their resources from the plan, and the modules that they run."""


def made_for(config: Config, run: str, rule: str) -> dict[str, Any]:
    """What a rule computes. As long as it is the same, a new plan makes no result of it stale.

    Args:
        config: the whole configuration.
        run: name of the run.
        rule: one of `PLANNED`.

    Returns:
        A key, JSON only.
    """
    key: dict[str, Any] = {
        "values": stage_config(config, rule, run),
        "code": code_fingerprint(PLANNED[rule]),
    }
    if rule == "predict_epk":  # its jobs are others if these change
        epk = config.runs[run].epk
        key["jobs"] = [epk.shards, epk.segments]
    return key


def is_made_for(config: Config, paths: Paths, run: str, rule: str) -> bool:
    """Return whether the stored plan, if there is one, was made for what a rule computes now."""
    path = paths.plan(run)
    if not path.is_file():
        return False
    stored = json.loads(path.read_text(encoding="utf-8")).get("made_for", {})
    return bool(stored.get(rule) == made_for(config, run, rule))


def sized_by(config: Config, run: str) -> dict[str, Any]:
    """The part of the config that a plan has to fit: not how steps are integrated, for instance.

    Args:
        config: the whole configuration.
        run: name of the run.

    Returns:
        Values of the config.
    """
    values = stage_config(config, "predict_epk", run)
    epk = {key: value for key, value in values["epk"].items() if key != "quadrature"}
    return {**values, "epk": {**epk, "functional": epk["functional"] == "all"}}


def read_plan(config: Config, paths: Paths, run: str) -> dict[str, Any]:
    """Read the plan of a run.

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.

    Returns:
        The plan, as `build.build_plan` made it.

    Raises:
        StoreError: if there is none, or it was made for something of another size.
    """
    path = paths.plan(run)
    if not path.is_file():
        raise StoreError(f"{path} does not exist. Run the rule `plan_epk`.")
    plan: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if plan["sized_by"] != sized_by(config, run):
        raise StoreError(f"{path} was made with another configuration. Run the rule `plan_epk`.")
    return plan


def shard_count(config: Config, paths: Paths, run: str) -> int:
    """Return the number of shards of a run: from the config, or with `auto` from the plan."""
    shards = config.runs[run].epk.shards
    return int(read_plan(config, paths, run)["shards"]) if shards == "auto" else shards
