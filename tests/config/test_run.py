"""Runs whose parts do not fit: every loss with every output, and with every experiment."""

from itertools import product

import pytest

from explaind.config.dataset import ModuloDataset, TextDataset
from explaind.config.run import Run, fit_problems
from explaind.config.schema import Config
from explaind.config.training import CLASSIFICATION, EXPLAINED, OF_NUMBERS, explained
from explaind.experiments.registry import SPECS
from explaind.kernel.functionals import NAMED
from explaind.training.task import TASKS, Task, task_of

OWN = "torch.nn.functional:l1_loss"
NEED_CLASSES = {name for name, spec in SPECS.items() if spec.settings.needs_classes}


def run_with(loss, functional="loss"):
    return Run.model_validate(
        {
            "dataset": "any",
            "model": {"kind": "torch.nn:Identity"},
            "training": {"loss": loss, "stop_at_accuracy": None},
            "epk": {"functional": functional},
        }
    )


@pytest.mark.parametrize(("loss", "functional"), [*product([*EXPLAINED, OWN], NAMED)])
def test_an_output_is_accepted_exactly_if_it_is_in_the_table(loss, functional):
    data = TextDataset() if loss == "token_cross_entropy" else ModuloDataset()
    run = run_with(loss, functional.replace("[c]", "[3]"))
    problems = [text for text in fit_problems("a", run, data) if "epk.functional" in text]
    if functional in explained(loss):
        assert problems == []
    else:
        [problem] = problems
        assert problem == (
            f"runs.a.epk.functional: expected one of {', '.join(explained(loss))} with the loss"
            f" {loss}, got {run.epk.functional}; change it"
        )


def test_the_table_is_that_of_the_tasks():
    assert {loss: task.functionals for loss, task in TASKS.items()} == EXPLAINED
    assert task_of(OWN).functionals == explained(OWN) == OF_NUMBERS == Task(print).functionals
    assert {name for names in EXPLAINED.values() for name in names} == {*NAMED}


def test_accuracy_is_of_losses_of_classes():
    for loss in (*EXPLAINED, OWN):
        run = Run.model_validate({"training": {"loss": loss, "stop_at_accuracy": 0.5}})
        problems = fit_problems("a", run, ModuloDataset())
        refused = any(text.startswith("runs.a.training.stop_at_accuracy") for text in problems)
        assert refused == (loss not in CLASSIFICATION)


def config_with(kind, loss):
    experiment = {"kind": kind, "run": "a"}
    return {
        "datasets": {"any": {"kind": "modulo"}},
        "runs": {"a": run_with(loss).model_dump()},
        "experiments": {"tried": experiment},
    }


def test_experiments_about_classes_are_those_that_say_so():
    assert {"pruning", "swap", "retrain", "leave_group_out", "label_noise"} <= NEED_CLASSES
    assert NEED_CLASSES.isdisjoint({"training", "epk_validation", "language_influence"})


@pytest.mark.parametrize("kind", sorted(NEED_CLASSES))
@pytest.mark.parametrize("loss", ["squared_error", OWN])
def test_an_experiment_about_classes_needs_a_loss_of_classes(kind, loss):
    with pytest.raises(ValueError, match="which is about classes") as raised:
        Config.model_validate(config_with(kind, loss))
    assert (
        "experiments.tried.run: expected a run with the loss nll or cross_entropy for an"
        f" experiment of kind {kind}, which is about classes, got 'a', whose loss is {loss};"
        " name another run, or leave the experiment out"
    ) in str(raised.value)


@pytest.mark.parametrize("kind", ["training", "epk_validation", "pruning"])
def test_other_experiments_and_losses_are_accepted(kind):
    loss = "cross_entropy" if kind in NEED_CLASSES else "squared_error"
    assert "tried" in Config.model_validate(config_with(kind, loss)).experiments


@pytest.mark.parametrize("groups", ["class", None])
def test_training_shows_influence_by_sample_or_by_group(groups):
    """What it shows is summed over the training samples; others read one of the two."""
    run = run_with("cross_entropy").model_dump()
    run["epk"]["groups"] = groups
    runs = {"runs": {"a": run}}
    assert Config.model_validate(config_with("training", "cross_entropy") | runs)
    if groups:
        with pytest.raises(ValueError, match=r"runs.a.epk.groups: expected null for experiments.t"):
            Config.model_validate(config_with("epk_validation", "cross_entropy") | runs)
