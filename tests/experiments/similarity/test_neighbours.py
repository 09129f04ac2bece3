"""Nearest and farthest samples, against a loop over a small map."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explaind.experiments.similarity.neighbours import nearest_samples, shared_counts

CLASSES, SPLITS = [1, 1, 2, 1, 2], ["validation"] * 3 + ["training"] * 2
SAMPLES = pd.DataFrame(
    {"split": SPLITS, "class": CLASSES, "name": list("vwxyz"), "a": 5 * [9], "b": range(5)}
)
COSINE = np.array(
    [
        [1.0, 0.2, 0.9, -0.5, 0.4],
        [0.2, 1.0, -0.3, 0.6, 0.1],
        [0.9, -0.3, 1.0, 0.0, -0.2],
        [-0.5, 0.6, 0.0, 1.0, 0.3],
        [0.4, 0.1, -0.2, 0.3, 1.0],
    ]
)
MAPS = xr.DataArray(
    COSINE[np.newaxis, np.newaxis, np.newaxis],
    dims=("interval", "functional", "component", "sample", "other"),
    coords={"functional": ["f"], "component": ["c"]},
)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_sample_is_not_its_own_neighbour_and_the_farthest_is_not_left_out(count):
    """E23: the published tables began with the sample itself and dropped the lowest one."""
    table = nearest_samples(MAPS, SAMPLES, count)
    assert (table["name"] != table["other_name"]).all()
    place = {name: k for k, name in enumerate(SAMPLES["name"])}
    for (name, split, end), rows in table.groupby(["name", "others", "end"]):
        own = place[name]
        others = [k for k in range(5) if SPLITS[k] == split and k != own]
        others.sort(key=lambda k: COSINE[own, k], reverse=end == "nearest")
        expected = others[: min(count, 2)]  # two samples of either split are others of all
        assert [place[other] for other in rows["other_name"]] == expected
        np.testing.assert_array_equal(rows["cosine"], COSINE[own, expected])
        assert rows["same_class"].tolist() == [CLASSES[own] == CLASSES[k] for k in expected]


def test_counts_are_those_of_each_sample_beside_chance():
    """E23: counts belonged to another sample."""
    counts = shared_counts(nearest_samples(MAPS, SAMPLES, 1), SAMPLES)
    found = counts.set_index(["shared", "others", "end"]).sort_index()
    validation = found.loc[("class", "validation", "nearest")]
    assert validation["count"] == pytest.approx(1 / 3)  # v: x, w: v (same class), x: v
    assert validation["expected"] == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    training = found.loc[("class", "training", "farthest")]
    assert training["count"] == pytest.approx(2 / 3)  # v: y (same), w: z, x: z (same)
    assert training["expected"] == pytest.approx(1 / 2)
    assert (found.loc["input", "count"] == 1).all()  # 9 is in all of them
    assert (found.loc["input", "expected"] == 1).all()
