"""Which config keys each stage of the workflow uses.

A rule reruns when these values change, and only then: they are the rule's `params` and are
written into the attributes of the store it makes. A key that a stage does not use must not be in
its dict; a key that it uses must be.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from explaind.config.experiment import EncoderExperimentSettings, ExperimentSettings
from explaind.config.run import Run
from explaind.config.schema import Config
from explaind.own_code import reference_fingerprint

Values = dict[str, Any]


def stage_config(config: Config, stage: str, name: str | None = None) -> Values:
    """Select the values that one stage uses.

    A stage, dataset, run or experiment that there is not is a `KeyError`.

    Args:
        config: the whole config.
        stage: name of the rule, e.g. `train`, `pruning` or `page_grokking`.
        name: the dataset of `prepare_dataset`; the run of `train`, `plan_epk`, `predict_epk`,
            `accumulate_kernel` and `validate_epk`; the encoder of `train_encoder`; the experiment
            of a rule that computes or draws one; `report` takes none.

    Returns:
        The values by section, JSON-stable: sorted keys, lists instead of tuples.
    """
    whole: Values = config.model_dump(mode="json", exclude={"defaults"})
    if stage in _OF_RUN:
        run = whole["runs"][name]
        values = _OF_RUN[stage](run, _dataset(config, run["dataset"]))
    elif stage == "train_encoder":
        values = _train_encoder(config, str(name))
    elif stage == "prepare_dataset":
        values = _dataset(config, str(name))
    elif stage == "report":
        specs = {page: config.spec(page) for page in _pages(config)}
        texts = {page: [spec.title, spec.summary] for page, spec in specs.items()}
        values = {"config": whole, "pages": texts}
    else:
        values = _experiment(config, str(name), stage)
    own = {name: reference_fingerprint(name) for name in _references(values)}
    if own:
        values = values | {"own_code": own}
    stable: Values = json.loads(json.dumps(values, sort_keys=True))
    return stable


def _references(values: object) -> set[str]:
    """Functions of the user's own that are named anywhere in some values."""
    if not isinstance(values, Mapping):
        return set()
    named = {values[key] for key in ("kind", "loss") if ":" in str(values.get(key, ""))}
    return named.union(*(_references(value) for value in values.values()))


def _pages(config: Config, subject: str | None = None) -> list[str]:
    """Names of the pages about a run or the encoders, or of all."""
    return [
        name
        for name, settings in config.experiments.items()
        if config.spec(name).shown and subject in {None, settings.subject}
    ]


def _experiment(config: Config, name: str, stage: str) -> Values:
    """What computing or drawing an experiment uses; the stage must be one of its kind's."""
    settings, spec = config.experiments[name], config.spec(name)
    section = settings.model_dump(mode="json")
    page = section.pop("page", {}) if spec.computed else section
    if spec.shown and stage == f"page_{spec.name}":
        titles = {other: config.spec(other).title for other in _pages(config, settings.subject)}
        return {"page": page, "run": settings.subject, "pages": titles}
    if not spec.computed or stage != spec.name:
        raise KeyError(stage)
    values: Values = {"experiment": _without(section, *settings.only_rounding)}
    if isinstance(settings, EncoderExperimentSettings):
        trained = {encoder: _train_encoder(config, encoder) for encoder in settings.encoders}
        return values | {"encoders": trained}
    assert isinstance(settings, ExperimentSettings)  # there are these two
    run = config.runs[settings.run].model_dump(mode="json")
    data = _dataset(config, run["dataset"])
    if spec.computed.trains:  # networks are trained as the run is, so all of its training counts
        values |= _train(run, data)
    if {"dataset", "history"} & set(spec.computed.reads):
        values |= _path_kernel(run, data)
    return values


def _train_encoder(config: Config, name: str) -> Values:
    # Not how many replicates there are: each is a job of its own.
    encoder = config.encoders[name]
    section = _without(encoder.model_dump(mode="json"), "device", "replicates")
    return section | {"dataset": _dataset(config, encoder.dataset)}


def _dataset(config: Config, name: str) -> Values:
    # The sizes are derived in the config, so they are listed: the rule must see them change.
    data = config.datasets[name]
    sizes = {"train": data.train_size, "validation": data.validation_size}
    return {**data.model_dump(mode="json"), "sizes": sizes}


def _without(section: Values, *keys: str) -> Values:
    """A section without some keys."""
    return {key: value for key, value in section.items() if key not in keys}


def _train(run: Values, data: Values) -> Values:
    # The dataset as well, so that a training that was stopped never goes on with other data. Where
    # something is computed is no part of what is computed: a device reruns nothing.
    return {"dataset": data, "model": run["model"], "training": _without(run["training"], "device")}


def _predict_epk(run: Values, data: Values) -> Values:
    # Not the numbers of shards and segments: they are in the name of each shard. Nor the memory: it
    # sets how many samples are worked on at once, and so changes nothing but rounding.
    unused = ["shards", "segments", "device", "memory_gb"]
    if not {"top", "top_component"} & set(run["epk"]["keep"]):
        unused.append("top")
    return {**_network(run, data), "epk": _without(run["epk"], *unused)}


def _plan_epk(run: Values, data: Values) -> Values:
    division = {key: run["epk"][key] for key in ("shards", "segments", "memory_gb", "device")}
    return {**_predict_epk(run, data), "division": division}


def _accumulate_kernel(run: Values, _: Values) -> Values:
    return {key: run["epk"][key] for key in ("shards", "segments")}


def _validate_epk(run: Values, data: Values) -> Values:
    rebuilt = Run.model_validate(run).rebuilt
    outputs = {} if rebuilt == "all" else {"rebuilt": rebuilt}
    return {**_path_kernel(run, data), **outputs}


def _path_kernel(run: Values, data: Values) -> Values:
    """What opens the recorded path and integrates along it."""
    epk = {key: run["epk"][key] for key in ("quadrature", "precision")}
    return {**_network(run, data), **epk}


def _network(run: Values, data: Values) -> Values:
    """What rebuilds the network, its loss and its batches; the rest stands in the history."""
    training = run["training"]
    values = {"dataset": data, "model": run["model"], "loss": training["loss"]}
    if training["augmentation"] is None:
        return values
    return values | {key: training[key] for key in ("augmentation", "batch_size", "seed")}


_OF_RUN: dict[str, Callable[[Values, Values], Values]] = {
    "train": _train,
    "plan_epk": _plan_epk,
    "predict_epk": _predict_epk,
    "accumulate_kernel": _accumulate_kernel,
    "validate_epk": _validate_epk,
}
