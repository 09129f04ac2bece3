"""The config: defaults, merging, errors, and what each stage takes from it."""

import json

import pytest
from pydantic import ValidationError

from explaind.config import Config, load_config, stage_config
from explaind.config.experiments import PruningExperiment
from explaind.config.load import merge
from explaind.config.optimizer import SGD, Adam, AdamW
from explaind.config.reference import reference
from explaind.errors import ConfigError
from tests.workflow.project import REPOSITORY

FILES = REPOSITORY / "config"


def optimizer(**keys):
    return {"runs": {"grokking": {"training": {"optimizer": keys}}}}


def epk(**keys):
    return {"runs": {"grokking": {"epk": keys}}}


def modulo(**keys):
    return {"datasets": {"modulo": keys}}


def test_default_file_holds_the_defaults_of_the_schema():
    assert load_config(FILES / "config.yaml") == Config()


def test_default_file_names_every_key():
    import yaml

    written = yaml.safe_load((FILES / "config.yaml").read_text())
    assert keys_of(written) == keys_of(Config().model_dump(mode="json"))


def keys_of(section):
    if isinstance(section, dict):
        return {key: keys_of(value) for key, value in section.items()}
    return None


@pytest.mark.parametrize("name", ["paper.yaml", "tiny.yaml"])
def test_other_cases_give_the_same_alone_and_over_the_default(name):
    assert load_config(FILES / name) == load_config(FILES / "config.yaml", FILES / name)
    assert load_config(FILES / name) != Config()


def test_reference_is_up_to_date():
    command = "python -m explaind.config.reference > config/README.md"
    assert (FILES / "README.md").read_text() == reference(), f"run: {command}"


def test_resolved_config_reads_as_itself(tmp_path):
    config = load_config(modulo(p=7), optimizer(kind="sgd"))
    (tmp_path / "c.json").write_text(config.model_dump_json())
    assert load_config(tmp_path / "c.json") == config


def test_config_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Config().datasets["modulo"].p = 3


def test_merge_is_nested_and_later_wins():
    merged = merge({"a": {"x": 1, "y": 2}, "b": [1]}, {"a": {"y": 3}, "b": [2], "c": None})
    assert merged == {"a": {"x": 1, "y": 3}, "b": [2], "c": None}


def test_a_section_that_changes_its_kind_is_replaced():
    config = load_config(FILES / "config.yaml", optimizer(kind="sgd", momentum=0.9))
    found = config.runs["grokking"].training.optimizer
    assert found == SGD(momentum=0.9)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [({}, AdamW()), ({"kind": "adamw"}, AdamW()), ({"kind": "adam"}, Adam())],
)
def test_kind_chooses_the_optimizer(kind, expected):
    found = load_config(optimizer(**kind)).runs["grokking"].training.optimizer
    assert type(found) is type(expected)
    assert found == expected


def test_an_experiment_is_of_the_kind_it_is_named_like():
    sections = {"pruning": {"run": "grokking"}, "again": {"kind": "pruning", "run": "grokking"}}
    found = load_config({"experiments": sections}).experiments
    assert found["pruning"] == found["again"] == PruningExperiment(run="grokking")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"run": {}}, "config: unknown key 'run', did you mean 'runs'?"),
        (modulo(train_fractio=0.5), "datasets.modulo: unknown key 'train_fractio', did you mean"),
        (modulo(p=1), "datasets.modulo.p: expected greater than or equal to 2, got 1"),
        (modulo(p="many"), "datasets.modulo.p: expected a valid integer"),
        (modulo(kind="cifar"), "datasets.modulo.kind: expected one of 'modulo', 'digits', 'mnist'"),
        (modulo(kind="npz"), "datasets.modulo.path: expected a value, got none; add the key"),
        (modulo(kind="cifar2", train_samples=10001), "expected train_samples <= 10000"),
        (modulo(kind="cifar100", classes=[1, 2], validation_samples=201), "<= 200"),
        (modulo(kind="digits", classes=[1, 1]), "expected different classes"),
        (modulo(kind="digits", std=[0.0]), "datasets.modulo.std.0: expected greater than 0"),
        (modulo(train_fraction=1.0), "datasets.modulo.train_fraction: expected less than 1"),
        (modulo(train_fraction=0.0), "datasets.modulo.train_fraction: expected greater than 0"),
        (modulo(train_samples=5), "set the other one to null"),
        (modulo(train_fraction=None), "set the other one to null"),
        (modulo(p=2, train_fraction=0.01), "got 0 for training and 3 for validation"),
        (modulo(p=3, validation_samples=6), "got 5 for training and 6 for validation"),
        (
            optimizer(kind="lion"),
            "optimizer.kind: expected one of 'adamw', 'adam', 'sgd', got 'lion'",
        ),
        (optimizer(kind="sgd", betas=[0, 0]), "optimizer: unknown key 'betas'"),
        (optimizer(betas=[0.9, 1]), "training.optimizer.betas.1: expected less than 1, got 1"),
        (
            optimizer(kind="sgd", nesterov=True),
            "optimizer: expected momentum > 0 and dampening = 0",
        ),
        (optimizer(learning_rate=float("inf")), "learning_rate: expected a finite number"),
        (
            {"runs": {"grokking": {"training": {"optimizer": 3}}}},
            "expected a section with keys, got 3",
        ),
        ({"runs": {"grokking": {"model": {"heads": 5}}}}, "expected heads to divide width"),
        (
            {"runs": {"grokking": {"training": {"batch_size": 2000}}}},
            "batch_size: expected at most 1145",
        ),
        (epk(samples=300), "runs.grokking.epk.samples: expected at most 286"),
        (epk(samples=3, shards=4), "runs.grokking.epk.shards: expected at most 3"),
        (epk(shards="all"), "runs.grokking.epk.shards"),
        (epk(memory_gb=0), "runs.grokking.epk.memory_gb: expected greater than 0, got 0"),
        (epk(functional="logit"), "runs.grokking.epk.functional: expected target_logprob, all"),
        (epk(keep=["step"]), "runs.grokking.epk.keep.0: expected 'influence', 'component', "),
        (epk(train_samples=[3, 1145]), "epk.train_samples: expected at most 1145"),
        (epk(train_samples=[]), "epk.train_samples: Value should have at least 1 item"),
        (epk(train_samples=[-1]), "epk.train_samples"),
        (epk(segments=2000), "runs.grokking.epk.segments: expected at most 1500"),
        (epk(quadrature={"subintervals": 20}), "expected max_subintervals >= subintervals"),
        ({"runs": {"grokking": {"dataset": "mod"}}}, "expected one of modulo, got 'mod'"),
        ({"experiments": {"pruning": {"run": "x"}}}, "experiments.pruning.run: expected one of"),
        ({"experiments": {"other": {}}}, "experiments.other: expected 'pruning', got 'other'"),
        ({"experiments": {"pruning": {"fine": [0.5, 2]}}}, "experiments.pruning.fine.1: expected"),
        ({"figures": {"training": {"run": "x"}}}, "figures.training.run: expected one of grokking"),
        ({"runs": {"figures": {}, "grokking": {}}}, "runs.figures: expected another name"),
        ({"runs": {"a b": {}, "grokking": {}}}, "expected a name of letters, digits, - and _"),
    ],
)
def test_a_mistake_is_named_with_what_was_expected(config, message):
    with pytest.raises(ConfigError) as raised:
        load_config(config)
    assert message in str(raised.value)
    assert "adamw.betas" not in str(raised.value)  # keys as they are written, no tags


def test_all_mistakes_are_listed_at_once():
    with pytest.raises(ConfigError, match=r"^3 problems in the config") as raised:
        load_config(merge(modulo(p=1, seed=-1), epk(intervals=0)))
    lines = str(raised.value).splitlines()[1:-1]
    expected = ["datasets.modulo.p", "datasets.modulo.seed", "runs.grokking.epk.intervals"]
    assert [line.split(":")[0].strip() for line in lines] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "expected YAML or JSON"), ("- 1", "expected a mapping"), (None, "check the path")],
)
def test_an_unreadable_file_is_named(tmp_path, text, message):
    if text is not None:
        (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message) as raised:
        load_config(tmp_path / "c.yaml")
    assert "c.yaml" in str(raised.value)


STAGES = ["train", "plan_epk", "predict_epk", "accumulate_kernel", "validate_epk"]
CHANGES = {
    "p": (
        modulo(p=7),
        {"prepare_dataset", "train", "plan_epk", "predict_epk", "validate_epk", "report"},
    ),
    "learning rate": (optimizer(learning_rate=0.5), {"train", "report"}),
    "width": (
        {"runs": {"grokking": {"model": {"width": 32}}}},
        {"train", "plan_epk", "predict_epk", "validate_epk", "report"},
    ),
    "shards": (epk(shards=3), {"plan_epk", "accumulate_kernel", "report"}),
    "memory": (epk(memory_gb=3), {"plan_epk", "report"}),
    "samples": (epk(samples=3), {"plan_epk", "predict_epk", "report"}),
    "quadrature": (
        epk(quadrature={"rule": "midpoint"}),
        {"plan_epk", "predict_epk", "validate_epk", "report"},
    ),
    "smoothing": ({"figures": {"grokking": {"smoothing": 1}}}, {"figure_grokking", "report"}),
    "order of keep": (
        epk(keep=["interval", "component", "absolute", "step_component", "influence"]),
        set(),
    ),
    "segments": (epk(segments=3), {"plan_epk", "accumulate_kernel", "report"}),
    "credit": (epk(credit="application_step"), {"plan_epk", "predict_epk", "report"}),
    "unused top": (epk(top=3), {"report"}),
    "precision": (
        epk(precision="float64"),
        {"plan_epk", "predict_epk", "validate_epk", "report"},
    ),
    "device": (epk(device="cpu"), {"plan_epk", "report"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_stage_has_the_keys_it_uses_and_no_others(change):
    before = values_by_stage(load_config())
    keys, expected = CHANGES[change]
    after = values_by_stage(load_config(keys))
    assert {stage for stage in before if before[stage] != after[stage]} == expected


def values_by_stage(config):
    values = {stage: stage_config(config, stage, "grokking") for stage in STAGES}
    values["prepare_dataset"] = stage_config(config, "prepare_dataset", "modulo")
    for stage in ("figure_grokking", "figure_training", "figure_epk_validation", "report"):
        values[stage] = stage_config(config, stage)
    return values


@pytest.mark.parametrize(
    ("keys", "reruns"),
    [
        ({"experiments": {"prune": {"seeds": [1, 2]}}}, True),
        ({"experiments": {"prune": {"seeds": [5, 4, 3, 2, 1]}}}, False),
        ({"experiments": {"prune": {"block": 3}}}, False),
        ({"experiments": {"prune": {"run": "other"}}}, True),
        ({"datasets": {"modulo": {"seed": 4}}}, True),
        (epk(quadrature={"subintervals": 2}), True),
        (epk(functional="margin"), False),
        (optimizer(learning_rate=0.5), False),  # seen through the history
    ],
)
def test_an_experiment_has_the_keys_it_uses_and_no_others(keys, reruns):
    frame = {
        "runs": {"grokking": {}, "other": {"model": {"width": 8}}},
        "experiments": {"prune": {"kind": "pruning", "run": "grokking"}},
    }
    before, after = (
        stage_config(load_config(frame, over), "pruning", "prune") for over in ({}, keys)
    )
    assert (before != after) == reruns


@pytest.mark.parametrize("stage", [*STAGES, "prepare_dataset", "report", "figure_grokking"])
def test_values_of_a_stage_are_sorted_and_plain(stage):
    values = values_by_stage(load_config())[stage]
    assert json.dumps(values) == json.dumps(values, sort_keys=True)
    assert json.loads(json.dumps(values)) == values
