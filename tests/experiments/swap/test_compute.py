"""Networks with swapped components, against networks put together by hand."""

import numpy as np
import pandas as pd
import pytest
import torch

from explaind.errors import ConfigError
from explaind.experiments.component_sets import ALL, NONE
from explaind.experiments.swap.compute import compute, swapped_sets
from explaind.models.registry import build_model
from tests.experiments.small_run import RUN, job_of, trained

COMPONENTS = (
    "embedding",
    "QKV projection",
    "output projection",
    "linear1",
    "linear2",
    "decoder",
)
LISTED = ["decoder", "embedding"]
SETTINGS = {
    "swap": {"run": RUN, "every": 8, "sets": [LISTED, list(COMPONENTS)], "confusion": [0.5]}
}


@pytest.fixture(scope="module")
def swapped(tmp_path_factory):
    """The store, the job it was computed by, and the metrics of the run."""
    root = tmp_path_factory.mktemp("swap")
    config, paths = trained(root, {"experiments": SETTINGS})
    job = job_of(config, paths, "swap", root / "scratch")
    return compute(job), job, pd.read_parquet(paths.metrics(RUN))


def outputs_by_hand(job, step, components, x):
    """Log-probabilities, float64, of a network whose state is put together tensor by tensor."""
    history, data = job.kernel.history, job.data
    model = build_model(job.run.model, data.classes, data.input_shape)
    states = [history.layout.unflatten(history.theta(point)) for point in (step, history.steps)]
    for slot in history.layout.slots:
        tensors = states[slot.component in components]
        model.get_parameter(slot.name).data = tensors[slot.name]
    with torch.no_grad():
        return model(x).double().numpy()


@pytest.mark.parametrize("split", ["train", "validation"])
def test_measures_are_those_of_networks_put_together_by_hand(swapped, split):
    store, job, _ = swapped
    x, y = (getattr(job.data, f"{name}_{split}") for name in "xy")
    final = outputs_by_hand(job, job.kernel.history.steps, (), x)
    rest = [name for name in COMPONENTS if name != "linear1"]
    for name, chosen in (("embedding + decoder", LISTED), ("all but linear1", rest)):
        output = outputs_by_hand(job, 8, chosen, x)
        found = store.sel(swapped=name, split=split).isel(checkpoint=1)
        assert int(found["step"]) == 8
        assert float(found["accuracy"]) == pytest.approx(np.mean(output.argmax(1) == y.numpy()))
        same = output.argmax(1) == final.argmax(1)
        assert float(found["agreement"]) == pytest.approx(same.mean())
        divergence = (np.exp(final) * (final - output)).sum(1).mean()
        assert float(found["kl"]) == pytest.approx(divergence, rel=1e-4)
        assert divergence > 1e-3


def test_swapping_everything_gives_the_trained_network_at_every_step(swapped):
    store, _, metrics = swapped
    everything = store.sel(swapped=ALL, split="validation")
    assert (everything["kl"] == 0).all()
    assert (everything["agreement"] == 1).all()
    assert (everything["accuracy"] == metrics["validation_accuracy"].iloc[-1]).all()
    at_the_end = store.isel(checkpoint=-1)
    assert (at_the_end["kl"] == 0).all()


def test_swapping_nothing_gives_the_checkpoint(swapped):
    store, _, metrics = swapped
    untouched = store.sel(swapped=NONE)
    assert untouched["step"].values.tolist() == [0, 8, 16, 20]
    for split in ("train", "validation"):
        expected = metrics[f"{split}_accuracy"].iloc[untouched["step"]]
        np.testing.assert_array_equal(untouched["accuracy"].sel(split=split), expected)
    assert (untouched["kl"].isel(checkpoint=slice(3)) > 0).all()


def test_confusion_matrices_count_the_validation_samples(swapped):
    store, job, _ = swapped
    assert store["confusion_step"].values.tolist() == [10]
    x, y = job.data.x_validation, job.data.y_validation.numpy()
    expected = np.zeros((job.data.classes,) * 2)
    predicted = outputs_by_hand(job, 10, LISTED, x).argmax(1)
    np.add.at(expected, (y, predicted), 1)
    found = store["confusion"].sel(swapped="embedding + decoder").isel(moment=0)
    np.testing.assert_array_equal(found, expected)


def test_each_set_is_swapped_once():
    assert swapped_sets("abc", [("c", "a"), ("b",)]) == [
        (),
        ("c", "a"),
        ("b",),
        ("a",),
        ("c",),
        ("b", "c"),
        ("a", "b"),
    ]


def test_a_name_that_is_no_component_is_refused(swapped, tmp_path):
    _, job, _ = swapped
    settings = job.settings.model_copy(update={"sets": (("decodr",),)})
    config = job.config.model_copy(update={"experiments": {"swap": settings}})
    with pytest.raises(ConfigError, match=r"expected some of embedding, .*, got 'decodr'"):
        compute(job_of(config, job.paths, "swap", tmp_path))
