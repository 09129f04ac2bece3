"""Reformulated against true outputs."""

import numpy as np
import pytest

from explaind.report.plots import agreement
from explaind.report.tables.agreement import decomposition_by_sample, output_table
from tests.report.synthetic import SyntheticRun, influence_dataset, validation_dataset


@pytest.fixture
def influence():
    return influence_dataset(SyntheticRun(), np.random.default_rng(0))


@pytest.fixture
def outputs(influence):
    return output_table(validation_dataset(SyntheticRun(), influence, np.random.default_rng(0)))


def test_scatter_shows_every_output_once(outputs):
    figure = agreement.scatter_figure(outputs, "nat")
    identity, others, correct = figure.data
    assert list(identity.x) == list(identity.y)
    assert len(others.x) + len(correct.x) == len(outputs)
    np.testing.assert_allclose(correct.x, outputs.loc[outputs["is_target"], "true"], rtol=1e-6)
    titles = [axis.title.text for axis in (figure.layout.xaxis, figure.layout.yaxis)]
    assert titles == ["true log-probability (nat)", "reformulated log-probability (nat)"]


def test_logits_are_not_called_log_probabilities(outputs):
    scatter, error = (
        draw(outputs, "1") for draw in (agreement.scatter_figure, agreement.error_figure)
    )
    assert scatter.layout.xaxis.title.text == "true logit"
    assert error.layout.xaxis.title.text == "error: true minus reformulated logit (signed)"


def test_scatter_is_subsampled_reproducibly(outputs, monkeypatch):
    monkeypatch.setattr(agreement, "MAX_SCATTER_POINTS", 5)
    figure = agreement.scatter_figure(outputs, "nat", seed=3)
    assert len(figure.data[1].x) == len(figure.data[2].x) == 5
    assert figure == agreement.scatter_figure(outputs, "nat", seed=3)


def test_histogram_counts_every_output(outputs):
    figure = agreement.error_figure(outputs, "nat")
    assert np.nansum(figure.data[0].y) == len(outputs)
    assert "(nat, signed)" in figure.layout.xaxis.title.text


def test_completeness_sets_sizes_of_residual_and_rounding_beside_the_change(influence):
    table = decomposition_by_sample(influence)
    table.loc[1, "rounding"] = 0.0  # has no place on a logarithmic axis
    change, residual, rounding = agreement.completeness_figure(table, "nat").data
    expected = np.sort(abs(table["final"] - table["initial"]))
    np.testing.assert_allclose(change.y, expected, rtol=1e-6)
    np.testing.assert_allclose(residual.y, np.sort(abs(table["residual"])), rtol=1e-6)
    assert np.isnan(rounding.y[0])
    np.testing.assert_allclose(rounding.y[1:], np.sort(abs(table["rounding"]))[1:], rtol=1e-6)


def test_residual_shares_are_counted(influence):
    table = decomposition_by_sample(influence)
    share = agreement.residual_share_figure(table)
    assert np.nansum(share.data[0].y) == len(table)
    largest = 100 * table["residual_share"].max()
    bar = share.data[0]
    np.testing.assert_allclose(bar.x[-1] + bar.width[-1] / 2, largest, rtol=1e-6)


def test_histogram_leaves_out_missing_values(influence):
    table = decomposition_by_sample(influence)
    table.loc[0, "residual_share"] = np.nan
    figure = agreement.residual_share_figure(table)
    assert np.nansum(figure.data[0].y) == len(table) - 1
