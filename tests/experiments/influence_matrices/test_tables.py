"""The matrices of the page: what they are sums of, which samples, which steps."""

import numpy as np
import pytest

from explaind.errors import StoreError
from explaind.experiments.influence_matrices.tables import (
    matrices,
    matrix_sums,
    matrix_table,
    sample_names,
    shown_samples,
    step_ranges,
)
from tests.report.synthetic import COMPONENTS, SyntheticRun, influence_dataset, step_matrices

SHOWN = (3, 5)


def stores(**case):
    run, random = SyntheticRun(p=5, steps=40, intervals=2, **case), np.random.default_rng(0)
    influence = influence_dataset(run, random)
    return influence, step_matrices(run, influence, random)


def first(array):
    """The samples that are shown, without the output axis."""
    return array.isel(output=0, test=slice(SHOWN[0]), train=slice(SHOWN[1])).to_numpy()


def test_net_is_the_sum_of_the_parts_and_gross_that_of_their_sizes():
    influence, steps = stores()
    found = matrices(influence, steps, SHOWN)
    assert found.dims == ("sign", "range", "component", "test", "train")
    assert found["component"].to_numpy().tolist() == ["all components", *COMPONENTS]
    parts, single = first(influence["influence_by_interval"]), first(steps["influence"])
    net, gross = found.sel(sign="net").to_numpy(), found.sel(sign="gross").to_numpy()
    np.testing.assert_allclose(net[0, 0], first(influence["influence"]), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(net[0, 1:], parts.sum(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(net[1:3, 1:], parts, rtol=1e-6)
    np.testing.assert_allclose(net[3:, 1:], single, rtol=1e-6)
    np.testing.assert_allclose(net[3:, 0], single.sum(1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gross[0, 0], np.abs(parts).sum((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(gross[0, 1:], np.abs(parts).sum(0), rtol=1e-5)
    np.testing.assert_allclose(gross[1:3, 0], np.abs(parts).sum(1), rtol=1e-5)
    np.testing.assert_allclose(gross[3:, 1:], np.abs(single), rtol=1e-6)
    assert list(zip(found["start"].values, found["stop"].values, strict=True)) == [
        *((0, 40), (0, 20), (20, 40)),
        *((20, 21), (39, 40)),
    ]


@pytest.mark.parametrize("keep", [("influence",), ("influence", "component")])
def test_what_was_not_kept_is_not_told_apart(keep):
    influence, steps = stores(keep=keep)
    found = matrices(influence, steps, SHOWN).sel(sign="net")
    assert found.sizes["range"] == 2 + 2  # the whole run, as one interval, and the steps
    assert found.sizes["component"] == (7 if "component" in keep else 1)
    np.testing.assert_allclose(found[0, 0], first(influence["influence"]), rtol=1e-4, atol=1e-6)
    single = first(steps["influence"]).sum(1)
    np.testing.assert_allclose(found[2:, 0], single, rtol=1e-5, atol=1e-6)


def test_a_run_without_influence_names_the_key():
    influence, steps = stores(keep=())
    with pytest.raises(StoreError, match="Add `influence` to"):
        matrices(influence, steps, SHOWN)


def test_a_subset_of_the_training_samples_keeps_its_indices():
    """Single steps are explained by all samples; those that the run kept are shown."""
    influence, steps = stores()
    some = influence.isel(train=[4, 1, 7])
    found = matrices(some, steps, (2, 3)).sel(sign="net")
    single = steps["influence"].isel(output=0, test=slice(2), train=[4, 1, 7]).to_numpy()
    np.testing.assert_allclose(found[3:, 1:], single, rtol=1e-6)


def test_steps_add_up_to_what_the_run_says_of_them():
    influence, steps = stores()
    table = matrix_sums(influence, steps)
    assert len(table) == 2 * len(COMPONENTS)
    np.testing.assert_allclose(table["net"], table["data_part"], rtol=1e-4, atol=1e-6)
    assert (table["gross"] > table["net"].abs()).all()
    nothing = matrix_sums(*stores(keep=("influence",)))
    assert nothing["data_part"].isna().all()


@pytest.mark.parametrize("limit", [1, 10**3, 10**5, 10**9])
def test_shown_samples_fit_the_page(limit):
    influence, steps = stores()
    rows, columns = shown_samples(influence, steps, limit)
    maps = 2 * len(step_ranges(influence, steps)) * 7
    assert rows * columns * maps <= max(limit, maps)
    if limit == 10**9:
        assert (rows, columns) == (influence.sizes["test"], influence.sizes["train"])


def test_steps_of_some_of_the_explained_samples_show_those():
    influence, steps = stores()
    some = steps.isel(test=slice(2))
    assert shown_samples(influence, some) == (2, influence.sizes["train"])
    few = influence.isel(test=slice(2))
    assert matrix_sums(influence, some).equals(matrix_sums(few, some))


def test_names_and_orders_of_samples():
    table = sample_names(np.array([[3, 5, 4, 6], [2, 5, 0, 6]]), 5)
    assert table["name"].tolist() == ["3 + 4 = 2", "2 + 0 = 2"]
    assert table["class"].tolist() == [2, 2]
    assert table[["sum", "a", "b"]].to_numpy().tolist() == [[7, 3, 4], [2, 2, 0]]


def test_the_table_names_every_cell():
    influence, steps = stores()
    found = matrices(influence, steps, (2, 2))
    names = {
        split: sample_names(np.array([[k, 5, 0, 6], [k + 1, 5, 1, 6]]), 5)
        for split, k in (("validation", 0), ("train", 2))
    }
    table = matrix_table(found, names)
    row = table[
        (table["start"] == 20)
        & (table["stop"] == 40)
        & (table["component"] == "linear1")
        & (table["test"] == "1 + 1 = 2")
        & (table["train"] == "2 + 0 = 2")
    ]
    expected = influence["influence_by_interval"].sel(component="linear1")
    assert row["influence"].item() == pytest.approx(float(expected[1, 1, 0, 0]), rel=1e-6)
