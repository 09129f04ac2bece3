"""What each stage takes from the config."""

import json

import pytest

from explaind.config.load import load_config
from explaind.config.stages import stage_config
from explaind.experiments.pruning.settings import PruningSettings
from tests.config.sections import DEFAULT, epk, modulo, optimizer

STAGES = ["train", "plan_epk", "predict_epk", "accumulate_kernel", "validate_epk"]
CHANGES = {
    "p": (
        modulo(p=37),
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
    "smoothing": ({"experiments": {"training": {"smoothing": 1}}}, {"page_training", "report"}),
    "another page": (
        {"experiments": {"new": {"kind": "training", "run": "grokking"}}},
        {"page_grokking", "page_training", "page_epk_validation", "report"},
    ),
    "an experiment without a page": (
        {"experiments": {"new": {"kind": "label_noise", "run": "grokking"}}},
        {"report"},
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
        values[f"page_{kind}"] = stage_config(config, f"page_{kind}", kind)
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


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("languages", {"plan_epk", "predict_epk", "validate_epk"}),  # which rebuilds it
        ("digits", {"plan_epk", "predict_epk"}),
    ],
)
def test_of_text_the_explained_output_is_validated(run, expected):
    other = {"runs": {run: {"epk": {"functional": "loss"}}}}
    before, after = load_config(DEFAULT), load_config(DEFAULT, other)
    changed = {
        stage
        for stage in STAGES
        if stage_config(before, stage, run) != stage_config(after, stage, run)
    }
    assert changed == expected


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


@pytest.mark.parametrize("stage", [*STAGES, "prepare_dataset", "report", "page_grokking"])
def test_values_of_a_stage_are_sorted_and_plain(stage):
    values = values_by_stage(load_config(DEFAULT))[stage]
    assert json.dumps(values) == json.dumps(values, sort_keys=True)
    assert json.loads(json.dumps(values)) == values


PRUNE = {"experiments": {"prune": {"kind": "pruning", "run": "grokking"}}}


def test_options_of_the_computation_do_not_redraw_the_page():
    """They do through its result; options of a page have a section of their own."""
    before, after = (
        load_config(PRUNE, {"experiments": {"prune": {"seeds": seeds}}})
        for seeds in ([1, 2], [3, 4])
    )
    pages = [stage_config(config, "page_pruning", "prune") for config in (before, after)]
    assert pages[0] == pages[1]
    computed = [stage_config(config, "pruning", "prune") for config in (before, after)]
    assert computed[0] != computed[1]


def test_a_seed_of_the_maps_draws_no_similar_samples_again():
    before, after = (
        load_config(DEFAULT, {"experiments": {"maps": {"seed": seed}}}) for seed in (0, 1)
    )
    stages = (("maps", "maps"), ("page_similarity", "similarity"), ("similarity", "similarity"))
    changed = {
        stage
        for stage, name in stages
        if stage_config(before, stage, name) != stage_config(after, stage, name)
    }
    assert changed == {"maps"}


class WithPage(PruningSettings):
    page: dict[str, int] = {"bins": 3}  # noqa: RUF012 - pydantic copies it


def test_options_of_the_page_do_not_rerun_the_computation():
    config = load_config(PRUNE)
    settings = WithPage(run="grokking", page={"bins": 5})
    changed = config.model_copy(update={"experiments": {"prune": settings}})
    computed = [stage_config(each, "pruning", "prune") for each in (config, changed)]
    assert computed[0] == computed[1]
    assert stage_config(changed, "page_pruning", "prune")["page"] == {"bins": 5}


def test_a_page_knows_the_titles_of_the_pages_of_its_run():
    config = load_config(DEFAULT)
    values = stage_config(config, "page_training", "digits_training")
    assert values["pages"]["pruning"] == config.spec("pruning").title
    assert set(values["pages"]) == {"digits_training", "digits_epk_validation"} | {
        "pruning",
        "examples",
        "sanity",
    }
    assert "label_noise" not in values["pages"]  # has no page
    assert "grokking" not in values["pages"]  # of another run


@pytest.mark.parametrize("stage", ["page_label_noise", "page_training", "nothing"])
def test_a_stage_that_a_kind_does_not_have_is_refused(stage):
    with pytest.raises(KeyError, match=stage):
        stage_config(load_config(DEFAULT), stage, "label_noise")
