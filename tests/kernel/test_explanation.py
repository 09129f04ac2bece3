"""Reading an explanation, against a dataset whose numbers are known."""

import numpy as np
import pytest
import xarray as xr
from torch.optim import AdamW

import explaind
from explaind.errors import ConfigError, StoreError
from explaind.kernel.collectors.output_arrays import DEFAULT_ARRAYS
from explaind.kernel.explanation import Explanation
from tests.kernel.engine import SMOOTH, record
from tests.oracles.problems import TEST_SAMPLES, TRAIN_SAMPLES, Problem

PROBLEM = Problem("adamw", lambda model: AdamW(model.parameters(), lr=0.05, weight_decay=0.5))
KEPT = (*DEFAULT_ARRAYS, "top")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    store = tmp_path_factory.mktemp("history") / "run.zarr"
    model = record(PROBLEM, store)
    return explaind.PathKernel(
        store, model, PROBLEM.loss_fn, PROBLEM.train_data(), quadrature=SMOOTH
    )


@pytest.fixture(scope="module")
def explained(kernel):
    return kernel.explain(*PROBLEM.test_data(), "all", intervals=3, keep=KEPT, top=4)


@pytest.mark.parametrize("kept", ["influence", "top"])
def test_top_samples(explained, kept):
    given = explained if kept == "influence" else explained.drop_vars("influence")
    table = given.explanation.top(3)
    outputs = explained.sizes["output"]
    assert len(table) == TEST_SAMPLES * outputs * 2 * 3
    for (test, output, side), rows in table.groupby(["test", "output", "side"], observed=True):
        influence = explained.influence.sel(output=output).isel(test=test).values
        order = np.argsort(influence)
        expected = order[::-1][:3] if side == "helpful" else order[:3]
        assert list(rows["train"]) == list(expected)
        np.testing.assert_allclose(rows["influence"], influence[expected])
        assert list(rows["rank"]) == [0, 1, 2]


def test_sums_by_component_interval_and_group(explained):
    reading, influence = explained.explanation, explained.influence
    np.testing.assert_allclose(reading.by_component().sum("component"), influence)
    assert reading.by_interval().sizes["interval"] == 3
    np.testing.assert_allclose(reading.by_interval().sum("interval"), influence, atol=1e-12)
    labels = [f"class {k % 3}" for k in range(TRAIN_SAMPLES)]
    groups = reading.by_group(labels)
    assert list(groups["group"].values) == ["class 0", "class 1", "class 2"]
    np.testing.assert_allclose(groups.sel(group="class 1"), influence[..., 1::3].sum("train"))
    assert groups.attrs["units"] == influence.attrs["units"]
    assert groups.dims == ("group", "test", "output")


def test_influence_of_training_samples_on_themselves(kernel):
    x, y = PROBLEM.train_data()
    whole = kernel.explain(x, y).influence
    own = kernel.explain(x, y).explanation.self_influence()
    np.testing.assert_allclose(own[:, 0], np.diagonal(whole[:, 0]))
    rows = [4, 1]
    some = kernel.explain(x[rows], y[rows]).explanation.self_influence(rows)
    np.testing.assert_allclose(some, own[rows])


def test_a_stored_explanation_is_the_same(explained, tmp_path):
    explained.explanation.to_zarr(tmp_path / "explained.zarr")
    opened = explaind.open_explanation(tmp_path / "explained.zarr")
    for name, array in explained.data_vars.items():
        np.testing.assert_array_equal(opened[name], array)
        assert opened[name].attrs["units"] == array.attrs["units"]
    assert list(opened["component"].values) == list(explained["component"].values)
    assert opened.explanation.summary() == explained.explanation.summary()
    (tmp_path / "explained.zarr/files/seal.json").unlink()
    with pytest.raises(StoreError, match=r"explained\.zarr"):
        explaind.open_explanation(tmp_path / "explained.zarr")


def test_a_summary_says_what_it_is_made_of_and_whether_to_trust_it(explained):
    summary = explained.explanation.summary()
    change = float((explained.final_output - explained.initial_output).mean())
    assert f"Training moved the outputs by {change:+.3g} on average" in summary
    assert f"regularisation {float(explained.decay.mean()):+.3g}" in summary
    assert "to rounding. The numbers can be trusted." in summary
    doubtful = explained.assign_attrs(completeness_in_roundings=101.0)
    doubtful = doubtful.assign_attrs(completeness_error=2e-4, step_rounding=1e-4)
    assert "more than rounding" in doubtful.explanation.summary()
    short = doubtful.assign_attrs(completeness_error=5e-5)
    assert "rounding those explains up to 1e-04" in short.explanation.summary()
    coarse = explained.assign(residual=explained.residual + 0.1 * abs(change))
    assert "smaller quadrature tolerance" in coarse.explanation.summary()
    gross, net = abs(explained.influence).sum("train"), abs(explained.influence.sum("train"))
    times = float(gross.mean() / net.mean())
    assert summary.endswith(f"Without their signs the influences are {times:,.3g} times their sum.")
    cancelling = explained.assign(
        influence=explained.influence + [1e6, -1e6] * (TRAIN_SAMPLES // 2)
    )
    assert cancelling.explanation.summary().endswith("Small differences between them mean little.")
    few = explained.drop_vars("influence").explanation.summary()
    assert few == summary.rpartition("\n")[0]
    segment = explained.copy()
    del segment.attrs["completeness_error"]
    assert "when all parts of the training" in segment.explanation.summary()


def test_a_figure_of_one_output(explained):
    figure = explained.explanation.plot(test=1, output=2, k=3)
    parts, strongest = figure.data
    one = explained.isel(test=1, output=2)
    assert parts.y == ("change", "residual", "regularisation", "training samples")
    assert sum(parts.x[1:]) == pytest.approx(parts.x[0])
    assert parts.x[0] == float(one.final_output - one.initial_output)
    assert f"to {float(one.final_output):.3g}" in figure.layout.annotations[0].text
    order = np.argsort(one.influence.values)
    assert list(strongest.y) == [f"sample {i}" for i in [*order[:3], *order[-3:]]]
    np.testing.assert_allclose(strongest.x, np.sort(one.influence.values)[[0, 1, 2, -3, -2, -1]])


def test_an_explanation_by_groups_is_read_by_their_names(kernel):
    labels = [f"class {k % 3}" for k in range(TRAIN_SAMPLES)]
    whole = kernel.explain(*PROBLEM.test_data()).explanation.by_group(labels)
    explained = kernel.explain(*PROBLEM.test_data(), groups=labels, keep=("influence", "component"))
    table = explained.explanation.top(2)
    assert list(table) == ["test", "output", "side", "rank", "group", "influence"]
    for _, row in table.iterrows():
        ranked = whole.sel(output=row["output"], test=row["test"]).to_series().sort_values()
        place = row["rank"] if row["side"] == "harmful" else -1 - row["rank"]
        assert row["group"] == ranked.index[place]
        assert row["influence"] == pytest.approx(ranked.iloc[place])
    by_component = explained.explanation.by_component()
    np.testing.assert_allclose(by_component.sum("component"), explained.influence)
    figure = explained.explanation.plot(test=1, k=2)
    ranked = whole.isel(test=1, output=0).to_series().sort_values()
    assert list(figure.data[1].y) == list(ranked.index)  # each once
    assert "Strongest groups" in figure.layout.annotations[1].text
    assert "influences are" in explained.explanation.summary()
    for read in (Explanation.self_influence, lambda reading: reading.by_group(labels)):
        with pytest.raises(ConfigError, match="single training samples, got that of groups"):
            read(explained.explanation)


REFUSED = {
    "labels": (lambda e: e.explanation.by_group([1, 2]), "labels: expected one for each"),
    "rows": (lambda e: e.explanation.self_influence([0]), "rows: expected one of"),
    "outside": (
        lambda e: e.explanation.self_influence([TRAIN_SAMPLES] * TEST_SAMPLES),
        "rows: expected one of",
    ),
    "component": (lambda _: xr.Dataset().explanation.by_component(), "'component'"),
    "interval": (lambda _: xr.Dataset().explanation.by_interval(), "'interval'"),
    "top": (lambda _: xr.Dataset().explanation.top(), "'top'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(explained, case):
    call, message = REFUSED[case]
    with pytest.raises(ConfigError, match=message):
        call(explained)
