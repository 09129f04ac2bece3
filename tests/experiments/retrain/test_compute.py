"""Retrained networks, against a loop written here; seeds, kills and trainings of no steps."""

from dataclasses import replace

import pandas as pd
import pytest
import torch

from explaind.config.load import load_config
from explaind.config.stages import stage_config
from explaind.experiments.component_sets import ALL, NONE
from explaind.experiments.job import Job, compute_experiment, compute_part
from explaind.experiments.retrain.compute import (
    NO_SOURCE,
    compute,
    random_parameters,
)
from explaind.experiments.retrain.settings import RetrainSettings
from explaind.history.checkpoint_interval import STEPS_PER_CHUNK
from explaind.models.registry import build_model
from explaind.training import train as training
from tests.experiments.small_run import CASE, RUN, job_of, trained

COMPONENTS = ["embedding", "QKV projection", "output projection", "linear1", "linear2", "decoder"]
TAKEN = ["embedding", "decoder"]
SETTINGS = {
    "retrain": {
        "run": RUN,
        "sources": [0.5, 1],
        "transplants": [TAKEN, []],
        "seeds": [0, 1],
        "max_steps": 3,
    }
}
SHORT = {  # ends with some right predictions among the validation samples
    "datasets": {"modulo": {"train_fraction": 0.6}},
    "runs": {
        RUN: {
            "model": {"seed": 4},
            "training": {
                "max_steps": 10,
                "optimizer": {"learning_rate": 0.003, "weight_decay": 3.0},
            },
        }
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("retrain"), SHORT, {"experiments": SETTINGS})


@pytest.fixture(scope="module")
def job(project, tmp_path_factory):
    return job_of(*project, "retrain", tmp_path_factory.mktemp("scratch"))


def narrowed(job, scratch, **settings):
    """The job with other settings of the experiment, and the history already open."""
    changed = job.settings.model_copy(update=settings)
    config = job.config.model_copy(update={"experiments": {"retrain": changed}})
    scratch.mkdir(exist_ok=True)
    other = Job("retrain", changed, config, job.paths, scratch)
    other.__dict__["kernel"] = job.kernel
    return other


def start_by_hand(job, step, taken, seed):
    """Random numbers everywhere, biases included; then what is transplanted, tensor by tensor."""
    history, data = job.kernel.history, job.data
    numbers = torch.randn(history.layout.size, generator=torch.Generator().manual_seed(seed))
    random = history.layout.unflatten(0.1 * numbers)
    source = history.layout.unflatten(history.theta(step))
    model = build_model(job.run.model, data.classes, data.input_shape)
    for slot in history.layout.slots:
        tensors = source if slot.component in taken else random
        model.get_parameter(slot.name).data = tensors[slot.name].clone()
    return model


def test_curves_are_those_of_a_loop_written_here(job):
    table = compute(job)
    data, settings = job.data, job.run.training.optimizer
    model = start_by_hand(job, 5, TAKEN, seed=1)
    rate, decay = settings.learning_rate, settings.weight_decay
    optimizer = torch.optim.AdamW(model.parameters(), rate, settings.betas, weight_decay=decay)
    case = (table["source"] == 5) & (table["seed"] == 1)
    found = table[case & (table["transplanted"] == "embedding + decoder")]
    assert found["step"].tolist() == [0, 1, 2, 3]
    for _, row in found.iterrows():
        loss = torch.nn.functional.nll_loss(model(data.x_train), data.y_train)
        with torch.no_grad():
            output = model(data.x_validation)
        validation = torch.nn.functional.nll_loss(output, data.y_validation)
        accuracy = (output.argmax(1) == data.y_validation).double().mean()
        assert row["train_loss"] == pytest.approx(float(loss.detach()), rel=1e-5)
        assert row["validation_loss"] == pytest.approx(float(validation), rel=1e-5)
        assert row["validation_accuracy"] == float(accuracy)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_every_source_set_and_seed_is_trained(job):
    cases = compute(job).groupby(["source", "transplanted", "seed"]).size()
    own = cases.drop(NO_SOURCE, level="source")
    assert (own == 4).all()  # three steps, and the point after them
    assert set(cases.index.droplevel("seed")) == {
        (5, "embedding + decoder"),
        (10, "embedding + decoder"),
        (NO_SOURCE, NONE),
    }


def test_a_seed_gives_the_same_bits_and_another_seed_others(job, tmp_path):
    theta = job.kernel.history.theta(0)
    first, again, other = (random_parameters(theta, 0.1, seed) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert (first != other).all()
    assert float(first.std()) == pytest.approx(0.1, rel=0.05)
    curves = [
        compute(narrowed(job, tmp_path / name, sources=(1.0,), seeds=(seed,), transplants=((),)))
        for name, seed in (("first", 3), ("again", 3), ("other", 4))
    ]
    pd.testing.assert_frame_equal(curves[0], curves[1], check_exact=True)
    assert (curves[0]["train_loss"] != curves[2]["train_loss"]).all()


@pytest.mark.parametrize(("above", "steps"), [(0.0, 0), (0.01, 1)])
def test_a_transplant_of_everything_needs_no_step_to_what_the_run_reached(
    job, tmp_path, above, steps
):
    whole = {"sources": (1.0,), "seeds": (0,), "transplants": (tuple(COMPONENTS),), "max_steps": 1}
    table = compute(narrowed(job, tmp_path / "on", **whole))
    assert table["step"].tolist() == [0, 1]
    assert table["transplanted"].tolist() == [ALL] * 2
    reached = table.loc[0, ["train_accuracy", "validation_accuracy"]].min()
    assert reached > 0

    until = narrowed(job, tmp_path / "until", **whole)
    run = job.run.training.model_copy(update={"stop_at_accuracy": reached + above})
    run = job.run.model_copy(update={"training": run})
    config = until.config.model_copy(update={"runs": {RUN: run}})
    until = replace(until, config=config)
    until.__dict__["kernel"] = job.kernel  # of the run, which was trained without a goal
    assert compute(until)["step"].max() == steps


def test_a_killed_part_goes_on_from_its_checkpoint(project, tmp_path, monkeypatch):
    """Killed in its second training: the first is read, the second goes on, no bit differs."""
    paths = project[1]
    long = {"retrain": {**SETTINGS["retrain"], "sources": [1], "max_steps": STEPS_PER_CHUNK + 6}}
    config = load_config(CASE, SHORT, {"experiments": long})
    steps, evaluate = [], training.evaluate

    def counted(*arguments):
        steps.append(1)
        if len(steps) == kill_at:
            raise KeyboardInterrupt
        return evaluate(*arguments)

    monkeypatch.setattr(training, "evaluate", counted)
    of_a_training = STEPS_PER_CHUNK + 6 + 2  # both splits are measured at the end
    result = paths.part(RUN, "retrain", "random")
    kill_at = of_a_training + STEPS_PER_CHUNK + 3
    with pytest.raises(KeyboardInterrupt):
        compute_part(config, paths, "retrain", "random")
    assert not result.exists()

    kill_at = None
    steps.clear()
    compute_part(config, paths, "retrain", "random")
    assert len(steps) == of_a_training - STEPS_PER_CHUNK
    resumed = pd.read_parquet(result)
    steps.clear()
    compute_part(config, paths, "retrain", "random")
    assert len(steps) == 2 * of_a_training
    pd.testing.assert_frame_equal(pd.read_parquet(result), resumed, check_exact=True)


def test_parts_are_the_sources_and_nothing():
    settings = RetrainSettings(**SETTINGS["retrain"])
    parts = settings.parts()
    assert list(parts) == ["source-0.5", "source-1.0", "random"]
    assert parts["source-0.5"].sources == (0.5,)
    assert parts["source-0.5"].transplants == (("decoder", "embedding"),)
    assert parts["random"].transplants == ((),)
    assert list(RetrainSettings(run=RUN, transplants=[[]]).parts()) == ["random"]


def test_another_source_leaves_the_other_parts_as_they_are(project):
    config, _ = project
    more = {"experiments": {"retrain": {**SETTINGS["retrain"], "sources": [0.25, 0.5, 1]}}}
    other = load_config(CASE, SHORT, more)
    for part in ("source-0.5", "random"):
        before, after = (
            stage_config(case.of_part("retrain", part), "retrain", "retrain")
            for case in (config, other)
        )
        assert before == after


def test_the_whole_is_the_tables_of_its_parts(project, job):
    config, paths = project
    for part in config.parts("retrain"):
        compute_part(config, paths, "retrain", part)
    compute_experiment(config, paths, "retrain")
    found = pd.read_parquet(paths.experiment(RUN, "retrain"))
    expected = compute(job)
    case = ["source", "transplanted", "seed", "step"]
    expected = expected.drop_duplicates(case)  # nothing is transplanted from both sources
    pd.testing.assert_frame_equal(
        found.sort_values(case, ignore_index=True), expected.sort_values(case, ignore_index=True)
    )
