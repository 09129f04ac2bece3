"""The whole config: defaults, kinds, and mistakes that are named."""

import pytest
import yaml
from pydantic import ValidationError

from explaind.config.base import Section, canonical
from explaind.config.dataset import ModuloDataset
from explaind.config.epk import Epk
from explaind.config.load import load_config, merge
from explaind.config.problems import HELP
from explaind.config.schema import Config
from explaind.errors import ConfigError
from explaind.experiments.pruning.settings import PruningSettings
from tests.config.sections import DEFAULT, epk, modulo, optimizer, training


def test_first_run_of_the_default_file_holds_the_defaults_of_the_schema():
    default = load_config(DEFAULT)
    assert default.datasets["modulo"] == Config().datasets["modulo"] == ModuloDataset()
    run = default.runs["grokking"]
    assert run.epk == Epk(samples=64)  # the one difference: the embedded job explains a part
    whole = run.model_copy(update={"epk": run.epk.model_copy(update={"samples": None})})
    assert whole == Config().runs["grokking"]


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


def test_config_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Config().datasets["modulo"].p = 3


def test_all_sections_refuse_unknown_keys_and_numbers_that_are_not_finite():
    class Small(Section):
        number: float = 1.0

    assert Small.model_validate({"number": 2}).number == 2
    with pytest.raises(ValidationError, match="unknown key"):
        Small.model_validate({"numbr": 2})
    with pytest.raises(ValidationError, match="finite"):
        Small(number=float("inf"))


def test_order_and_repetition_mean_nothing_where_they_must_rerun_nothing():
    assert canonical((3, 1, 3)) == (1, 3)


def on_grokking(kind, **keys):
    return {"experiments": {kind: {"run": "grokking", **keys}}}


def test_an_experiment_is_of_the_kind_it_is_named_like():
    sections = {"pruning": {"run": "grokking"}, "again": {"kind": "pruning", "run": "grokking"}}
    found = load_config({"experiments": sections}).experiments
    assert found["pruning"] == found["again"] == PruningSettings(run="grokking")


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
        (
            modulo(kind="text", held_out_parts=3, passages=2),
            "expected passages >= 3, one of each held-out part, got 2",
        ),
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
        ({"experiments": {"swap": 3}}, "experiments.swap: expected a section with keys, got 3"),
        ({"runs": {"grokking": {"model": {"heads": 5}}}}, "expected heads to divide width"),
        (
            {"runs": {"grokking": {"training": {"batch_size": 2000}}}},
            "batch_size: expected at most 1145",
        ),
        (epk(samples=300), "runs.grokking.epk.samples: expected at most 286"),
        (epk(samples=3, shards=4), "runs.grokking.epk.shards: expected at most 3"),
        (epk(shards="all"), "runs.grokking.epk.shards"),
        (epk(memory_gb=0), "runs.grokking.epk.memory_gb: expected greater than 0, got 0"),
        (
            epk(functional="logit"),
            "runs.grokking.epk.functional: expected target_logprob, sum",
        ),
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
        ({"experiments": {"other": {}}}, "experiments.other.kind: expected one of 'grokking', 't"),
        (on_grokking("pruning", fine=[0.5, 2]), "experiments.pruning.fine.1: expected"),
        (on_grokking("grokking", smoothing=3), "grokking: unknown key 'smoothing'"),
        ({"figures": {}}, "figures: expected no such section, it is now part of `experiments`"),
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
    assert str(raised.value).endswith(f"\n{HELP}")
    lines = str(raised.value).splitlines()[1:-1]
    expected = ["datasets.modulo.p", "datasets.modulo.seed", "runs.grokking.epk.intervals"]
    assert [line.split(":")[0].strip() for line in lines] == expected


def test_a_page_names_each_experiment_it_cannot_show():
    sections = merge(on_grokking("label_noise"), on_grokking("sanity", label_noise="x"))
    with pytest.raises(ConfigError) as raised:
        load_config(sections)
    text = str(raised.value)
    assert "sanity.label_noise: expected one of kind label_noise on the run 'grokking': l" in text
    assert "sanity.leave_group_out: expected one of kind leave_group_out on the run" in text


def test_a_computation_names_the_experiment_that_it_cannot_read():
    with pytest.raises(ConfigError) as raised:
        load_config(
            merge(on_grokking("label_noise"), on_grokking("maps", similarity="label_noise"))
        )
    expected = "maps.similarity: expected one of kind similarity on the run 'grokking': none, got"
    assert expected in str(raised.value)


def test_a_page_of_several_experiments_names_those_it_cannot_show():
    kinds = {"a": "roar", "b": "linear_probe"}
    experiments = {name: {"kind": kind, "encoders": "mine"} for name, kind in kinds.items()}
    claims = {"kind": "labelfree", "encoders": "mine", "roar": ["a", "b", "c"]}
    encoder = {
        "dataset": "modulo",
        "model": {"kind": "convolutional"},
        "pretext": {"kind": "reconstruction"},
    }
    with pytest.raises(ConfigError) as raised:
        load_config(
            merge(
                modulo(),
                {"encoders": {"mine": encoder}, "experiments": {**experiments, "claims": claims}},
            )
        )
    text = str(raised.value)
    for name in ("b", "c"):
        assert f"claims.roar: expected one of kind roar on encoders: a, got '{name}'" in text
    assert "got 'a'" not in text


def test_augmentation_of_tokens_is_refused():
    with pytest.raises(ConfigError, match="augmentation: expected null for a dataset of tokens"):
        load_config(training(augmentation="horizontal_flip"))


def test_a_page_on_grokking_needs_modular_addition():
    message = r"experiments.grokking.run: expected a run on a dataset of kind modulo"
    with pytest.raises(ConfigError, match=message):
        load_config(DEFAULT, {"experiments": {"grokking": {"run": "digits"}}})


def test_the_kind_of_an_experiment_is_known_by_its_name():
    config = load_config({"experiments": {"mine": {"kind": "pruning", "run": "grokking"}}})
    assert config.spec("mine").settings is PruningSettings
    with pytest.raises(KeyError):
        config.spec("pruning")
