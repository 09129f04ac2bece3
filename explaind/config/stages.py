"""Which config keys each stage of the workflow uses.

A rule reruns when these values change, and only then: they are the rule's ``params`` and are
written into the attributes of the store it makes. A key that a stage does not use must not be in
its dict; a key that it uses must be.
"""

import json
from collections.abc import Callable
from typing import Any

from explaind.config.schema import Config

Values = dict[str, Any]


def stage_config(config: Config, stage: str, name: str | None = None) -> Values:
    """The values that one stage uses, JSON-stable: sorted keys, lists instead of tuples.

    Args:
        config: The whole config.
        stage: Name of the rule, e.g. ``train`` or ``figure_grokking``.
        name: The dataset of ``prepare_dataset``; the run of ``train``, ``predict_epk``,
            ``accumulate_kernel`` and ``validate_epk``; nothing else takes a name.

    Raises:
        KeyError: There is no such stage, dataset or run.
    """
    if stage in _OF_RUN:
        values = _OF_RUN[stage](config.runs[str(name)].model_dump(mode="json"))
    elif stage == "prepare_dataset":
        values = _prepare_dataset(config, str(name))
    elif stage == "report":
        values = config.model_dump(mode="json")
    else:
        figure = getattr(config.figures, stage.removeprefix("figure_"))
        values = {"figure": figure.model_dump(mode="json")}
    stable: Values = json.loads(json.dumps(values, sort_keys=True))
    return stable


def _prepare_dataset(config: Config, name: str) -> Values:
    # The sizes are derived in the config, so they are listed: the rule must see them change.
    data = config.datasets[name]
    sizes = {"train": data.train_size, "validation": data.validation_size}
    return {"dataset": data.model_dump(mode="json"), "sizes": sizes}


def _train(run: Values) -> Values:
    return {key: run[key] for key in ("dataset", "model", "training")}


def _predict_epk(run: Values) -> Values:
    # Not the number of shards: it is in the name of each shard.
    epk = {key: value for key, value in run["epk"].items() if key != "shards"}
    return {**_network(run), "epk": epk}


def _accumulate_kernel(run: Values) -> Values:
    return {"shards": run["epk"]["shards"]}


def _validate_epk(run: Values) -> Values:
    return {**_network(run), "quadrature": run["epk"]["quadrature"]}


def _network(run: Values) -> Values:
    """What rebuilds the network and its loss; how it was trained stands in the history."""
    return {"dataset": run["dataset"], "model": run["model"], "loss": run["training"]["loss"]}


_OF_RUN: dict[str, Callable[[Values], Values]] = {
    "train": _train,
    "predict_epk": _predict_epk,
    "accumulate_kernel": _accumulate_kernel,
    "validate_epk": _validate_epk,
}
