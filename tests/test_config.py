"""The config: defaults, merging, errors, and what each stage takes from it."""

import json

import pytest
import yaml
from pydantic import ValidationError

from explaind.config.experiments import PruningExperiment
from explaind.config.load import load_config, merge
from explaind.config.model import ResNet9Model
from explaind.config.optimizer import SGD, Adam, AdamW
from explaind.config.reference import reference
from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.config.training import TriangularSchedule
from explaind.errors import ConfigError
from tests.workflow.project import REPOSITORY

FILES = REPOSITORY / "config"


def optimizer(**keys):
    return {"runs": {"grokking": {"training": {"optimizer": keys}}}}


def epk(**keys):
    return {"runs": {"grokking": {"epk": keys}}}


def training(**keys):
    return {"runs": {"grokking": {"training": keys}}}


def modulo(**keys):
    return {"datasets": {"modulo": keys}}


DEFAULT = FILES / "config.yaml"
WITHOUT_DIGITS = {
    "datasets": {"digits": None},
    "runs": {"digits": None},
    "experiments": {"pruning": None, "label_noise": None, "leave_group_out": None},
    "figures": {"digits_training": None, "digits_epk_validation": None}
    | {"pruning": None, "examples": None, "sanity": None},
}


def test_first_run_of_the_default_file_holds_the_defaults_of_the_schema():
    assert load_config(DEFAULT, WITHOUT_DIGITS) == Config()


def test_first_run_of_the_default_file_names_every_key():
    written = yaml.safe_load(DEFAULT.read_text())
    run, default = written["runs"]["grokking"], Config().model_dump(mode="json")
    assert keys_of(run) == keys_of(default["runs"]["grokking"])
    assert keys_of(written["datasets"]["modulo"]) == keys_of(default["datasets"]["modulo"])


def test_second_run_of_the_default_file_names_every_key_of_its_dataset_and_model():
    written, config = yaml.safe_load(DEFAULT.read_text()), load_config(DEFAULT)
    digits = config.runs["digits"].model_dump(mode="json")
    assert keys_of(written["datasets"]["digits"]) == keys_of(
        config.datasets["digits"].model_dump(mode="json")
    )
    for section in ("model", "training"):
        own = written["runs"]["digits"][section]
        assert keys_of(own).keys() <= digits[section].keys()
    assert keys_of(written["runs"]["digits"]["model"]) == keys_of(digits["model"])
    optimizer = written["runs"]["digits"]["training"]["optimizer"]
    assert keys_of(optimizer) == keys_of(digits["training"]["optimizer"])


def keys_of(section):
    if isinstance(section, dict):
        return {key: keys_of(value) for key, value in section.items()}
    return None


OTHERS = {
    "tiny.yaml": {"grokking"},
    "paper.yaml": {"grokking", "cifar2"},
    "cifar2-cpu.yaml": {"cifar2"},
}


def test_every_other_case_is_known():
    assert {path.name for path in FILES.glob("*.yaml")} == {"config.yaml", *OTHERS}


@pytest.mark.parametrize("name", OTHERS)
def test_other_cases_lie_over_the_default(name):
    config = load_config(DEFAULT, FILES / name)
    assert set(config.runs) == OTHERS[name]
    assert {figure.run for figure in config.figures.values()} == OTHERS[name]
    assert config != Config()


def test_the_published_run_is_that_of_the_publication():
    run = load_config(DEFAULT, FILES / "paper.yaml").runs["cifar2"]
    assert run.model == ResNet9Model()
    optimizer = SGD(learning_rate=0.1, momentum=0.9, weight_decay=0.005)
    assert run.training.optimizer == optimizer
    assert (run.training.batch_size, run.training.epochs) == (256, 12)
    assert run.training.schedule == TriangularSchedule(peak_epoch=5)
    assert run.training.augmentation == "horizontal_flip"


def test_null_removes_what_an_earlier_config_has():
    first = {"figures": {"a": {"kind": "training"}, "b": {"kind": "training"}}}
    assert list(load_config(first, {"figures": {"a": None}}).figures) == ["b"]
    with pytest.raises(ConfigError, match=r"figures.a.run: expected one of no name"):
        load_config(first, {"runs": {"grokking": None}})


def test_a_figure_is_of_the_kind_it_is_named_like():
    figures = load_config({"figures": {"training": {}, "mine": {"kind": "training"}}}).figures
    assert {figure.kind for figure in figures.values()} == {"training"}


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
        (training(epochs=3), "expected exactly one of max_steps and epochs, got 1500 and 3"),
        (training(max_steps=None), "set the other one to null"),
        (
            training(max_steps=None, epochs=2, batch_size=1000, schedule={"kind": "triangular"}),
            "schedule.peak_epoch: expected less than 2, the number of epochs, got 5",
        ),
        (training(schedule={"kind": "cosine"}), "expected one of 'constant', 'triangular'"),
        (epk(segments=2000), "runs.grokking.epk.segments: expected at most 1500"),
        (epk(quadrature={"subintervals": 20}), "expected max_subintervals >= subintervals"),
        ({"runs": {"grokking": {"dataset": "mod"}}}, "expected one of modulo, got 'mod'"),
        ({"experiments": {"pruning": {"run": "x"}}}, "experiments.pruning.run: expected one of"),
        ({"experiments": {"other": {}}}, "experiments.other.kind: expected one of 'pruning'"),
        ({"experiments": {"pruning": {"fine": [0.5, 2]}}}, "experiments.pruning.fine.1: expected"),
        (
            {"figures": {"mine": {"run": "grokking"}}},
            "figures.mine.kind: expected one of 'grokking', 'training', 'epk_validation', ",
        ),
        (
            {"figures": {"pruning": {"run": "grokking"}}},
            "figures.pruning.experiment: expected one of kind pruning on the run 'grokking': none",
        ),
        ({"figures": {"training": {"smoothing": 3}}}, "training: unknown key 'smoothing'"),
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
    "another figure": (
        {"figures": {"new": {"kind": "training"}}},
        {"figure_grokking", "figure_training", "figure_epk_validation", "report"},
    ),
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
    before = values_by_stage(load_config(DEFAULT))
    keys, expected = CHANGES[change]
    after = values_by_stage(load_config(DEFAULT, keys))
    assert {stage for stage in before if before[stage] != after[stage]} == expected


def values_by_stage(config):
    values = {stage: stage_config(config, stage, "grokking") for stage in STAGES}
    values["prepare_dataset"] = stage_config(config, "prepare_dataset", "modulo")
    for kind in ("grokking", "training", "epk_validation"):
        values[f"figure_{kind}"] = stage_config(config, f"figure_{kind}", kind)
    values["report"] = stage_config(config, "report")
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


@pytest.mark.parametrize("kind", ["label_noise", "leave_group_out"])
@pytest.mark.parametrize(
    ("keys", "reruns"),
    [
        ({"experiments": {"mine": {"run": "other"}}}, True),
        ({"experiments": {"mine": {"block": 3}}}, False),
        (optimizer(learning_rate=0.5), True),  # it trains as the run does
        (epk(quadrature={"subintervals": 2}), True),
        (epk(functional="margin"), False),
    ],
)
def test_an_experiment_that_trains_has_all_keys_of_the_training(kind, keys, reruns):
    frame = {
        "runs": {"grokking": {}, "other": {"model": {"width": 8}}},
        "experiments": {"mine": {"kind": kind, "run": "grokking"}},
    }
    before, after = (stage_config(load_config(frame, over), kind, "mine") for over in ({}, keys))
    assert (before != after) == reruns


def test_a_figure_names_each_experiment_it_cannot_show():
    sections = {"experiments": {"label_noise": {"run": "grokking"}}, "runs": {"grokking": {}}}
    with pytest.raises(ConfigError) as raised:
        load_config(sections, {"figures": {"sanity": {"run": "grokking", "label_noise": "x"}}})
    text = str(raised.value)
    assert "sanity.label_noise: expected one of kind label_noise on the run 'grokking': l" in text
    assert "sanity.leave_group_out: expected one of kind leave_group_out on the run" in text


AUGMENTED = {
    "batch size": ({"batch_size": 30}, {"train", "plan_epk", "predict_epk", "validate_epk"}),
    "peak": ({"schedule": {"peak_epoch": 2}}, {"train"}),
}


@pytest.mark.parametrize("change", AUGMENTED)
def test_what_rebuilds_an_augmented_batch_is_used_where_it_is_rebuilt(change):
    keys, expected = AUGMENTED[change]
    other = {"runs": {"digits": {"training": keys}}}
    before, after = load_config(DEFAULT), load_config(DEFAULT, other)
    changed = {
        stage
        for stage in STAGES
        if stage_config(before, stage, "digits") != stage_config(after, stage, "digits")
    }
    assert changed == expected


def test_augmentation_of_tokens_is_refused():
    with pytest.raises(ConfigError, match="augmentation: expected null for a dataset of tokens"):
        load_config(training(augmentation="horizontal_flip"))


def test_a_grokking_figure_needs_modular_addition():
    with pytest.raises(ConfigError, match=r"figures.grokking.run: expected a run on a dataset of"):
        load_config(DEFAULT, {"figures": {"grokking": {"run": "digits"}}})


@pytest.mark.parametrize("stage", [*STAGES, "prepare_dataset", "report", "figure_grokking"])
def test_values_of_a_stage_are_sorted_and_plain(stage):
    values = values_by_stage(load_config())[stage]
    assert json.dumps(values) == json.dumps(values, sort_keys=True)
    assert json.loads(json.dumps(values)) == values
