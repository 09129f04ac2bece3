"""Config files: read, laid over each other, and named where they are wrong."""

import json

import numpy as np
import pytest

from explaind.config.load import load_config, merge, resolve_config
from explaind.config.model import ResNet9Model
from explaind.config.optimizer import SGD, Adam, AdamW
from explaind.config.schema import Config
from explaind.config.training import TriangularSchedule
from explaind.errors import ConfigError
from explaind.paths import Paths
from tests.config.sections import ALONE, DEFAULT, FILES, epk, modulo, optimizer

OTHERS = {
    "tiny.yaml": {"grokking"},
    "paper.yaml": {"grokking", "cifar2"},
    "cifar2-cpu.yaml": {"cifar2"},
    "grokking-cpu.yaml": {"grokking"},
    "labelfree-cpu.yaml": set(),
    "labelfree-paper.yaml": set(),
    "languages-cpu.yaml": {"languages_0", "languages_1", "languages_2"},
}
WITH_ENCODERS = {"tiny.yaml", "labelfree-cpu.yaml", "labelfree-paper.yaml"}


def test_every_other_case_is_known():
    assert {path.name for path in FILES.glob("*.yaml")} == {"config.yaml", *OTHERS}


@pytest.mark.parametrize("name", OTHERS)
def test_other_cases_lie_over_the_default(name):
    config = load_config(FILES / name, defaults=DEFAULT)
    assert set(config.runs) == OTHERS[name]
    assert bool(config.encoders) == (name in WITH_ENCODERS)
    subjects = OTHERS[name] | ({"encoders"} if config.encoders else set())
    assert {settings.subject for settings in config.experiments.values()} == subjects
    assert config != Config()


def test_the_run_of_the_paper():
    run = load_config(DEFAULT, FILES / "paper.yaml").runs["cifar2"]
    assert run.model == ResNet9Model()
    optimizer = SGD(learning_rate=0.1, momentum=0.9, weight_decay=0.005)
    assert run.training.optimizer == optimizer
    assert (run.training.batch_size, run.training.epochs) == (256, 12)
    assert run.training.schedule == TriangularSchedule(peak_epoch=5)
    assert run.training.augmentation == "horizontal_flip"


def test_the_retrainings_of_the_paper():
    settings = load_config(DEFAULT, FILES / "paper.yaml").experiments["retrain"]
    assert (len(settings.sources), len(settings.seeds), settings.max_steps) == (17, 5, 500)
    steps = np.array(settings.sources) * 1939  # from checkpoints 339, 439 ... 1939 of its run
    np.testing.assert_allclose(steps, np.arange(339, 1940, 100), atol=15)
    assert {frozenset(chosen) for chosen in settings.transplants} == {
        frozenset({"embedding", "linear2", "decoder"}),
        frozenset({"QKV projection", "output projection", "linear1"}),
        frozenset({"embedding", "linear1", "linear2", "decoder"}),
        frozenset(),  # random numbers alone, of which the paper has none
    }


def test_null_removes_what_an_earlier_config_has():
    page = {"kind": "training", "run": "grokking"}
    first = {"experiments": {"a": page, "b": page}}
    assert list(load_config(first, {"experiments": {"a": None}}).experiments) == ["b"]
    with pytest.raises(ConfigError, match=r"experiments.a.run: expected one of no name"):
        load_config(first, {"runs": {"grokking": None}})


def test_resolved_config_reads_as_itself_whatever_lies_beside_it(tmp_path):
    config, paths = load_config(modulo(p=7), optimizer(kind="sgd")), Paths(tmp_path)
    resolve_config(config, paths)
    again = load_config(paths.config(), defaults=DEFAULT)
    assert again == config.model_copy(update=ALONE)
    assert json.loads(paths.config().read_text())["defaults"] is False


def test_defaults_lie_below_unless_a_source_stands_alone(tmp_path):
    mine = {"datasets": {"modulo": {"p": 37}}}  # enough validation samples for the default file
    assert "digits" in load_config(mine, defaults=DEFAULT).runs
    assert load_config(mine, ALONE, defaults=DEFAULT) == load_config(mine, ALONE)
    assert load_config(mine, defaults=tmp_path / "none.yaml") == load_config(mine)


MISTAKES = [
    ("a.yaml", epk(intervls=3), "runs.grokking.epk: unknown key 'intervls'"),
    ("a.yaml", epk(intervals=0), "runs.grokking.epk.intervals: expected greater than"),
    ("a.yaml", epk(samples=300), "runs.grokking.epk.samples: expected at most 286"),
    ("b.yaml", {"run": {}}, "config: unknown key 'run'"),
    ("b.yaml", {"experiments": {"pruning": {}}}, "experiments.pruning.run: expected a value"),
    ("b.yaml", {"figures": {"training": {}}}, "figures: expected no such section"),
    ("command line", modulo(p=1), "datasets.modulo.p: expected greater than"),
]


@pytest.mark.parametrize(("where", "mistake", "message"), MISTAKES)
def test_a_mistake_is_named_with_the_file_it_stands_in(
    tmp_path, monkeypatch, where, mistake, message
):
    monkeypatch.chdir(tmp_path)
    contents = {"a.yaml": epk(top=3), "b.yaml": epk(top=4), "command line": epk(top=5)}
    contents[where] = merge(contents[where], mistake)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(json.dumps(contents[name]))
    with pytest.raises(ConfigError) as raised:
        load_config("a.yaml", "b.yaml", contents["command line"])
    first, line, _ = str(raised.value).splitlines()
    assert first == "1 problem in the config (a.yaml, b.yaml, command line):"
    assert line.strip().startswith(message)
    assert line.endswith(f" ({where})")


def test_a_key_that_several_files_give_is_that_of_the_last(tmp_path):
    for name, top in (("a.yaml", 3), ("b.yaml", 0)):
        (tmp_path / name).write_text(json.dumps(epk(top=top)))
    with pytest.raises(ConfigError, match=r"got 0 \(.*b.yaml\)"):
        load_config(tmp_path / "a.yaml", tmp_path / "b.yaml", epk(intervals=3))


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
