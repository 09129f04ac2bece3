"""Plots of similar samples: what a page holds, and that it holds it right."""

import base64

import numpy as np
import pandas as pd

from explaind.experiments.similarity import plots
from explaind.experiments.similarity.cosines import FUNCTIONALS, component_grams, cosines
from explaind.experiments.similarity.plots import (
    development_figure,
    map_data,
    map_figure,
    shown_intervals,
)
from explaind.experiments.similarity.samples import sample_table
from explaind.experiments.similarity.tables import group_means
from explaind.report.choices import Choice
from explaind.report.tables.phases import Phases
from tests.experiments.similarity.made import similarity_store
from tests.report.plots.bands import bands

STORE, DATA = similarity_store()
MAPS, SAMPLES = cosines(component_grams(STORE)), sample_table(STORE, DATA)
IDS = {"validation": "v", "training": "t"}


def unpacked(data):
    numbers = np.frombuffer(base64.b64decode(data["values"]), dtype=np.int8)
    cells = [plot["rows"] * plot["columns"] for plot in data["plots"]]
    by_map = np.split(numbers.reshape(-1, sum(cells)), np.cumsum(cells)[:-1], axis=1)
    return {
        plot["split"]: values.reshape(-1, plot["rows"], plot["columns"]) / data["scale"]
        for plot, values in zip(data["plots"], by_map, strict=True)
    }


def test_packed_maps_are_the_cosines_of_their_samples():
    data = map_data(MAPS, SAMPLES, {"class": "class", "a": "a"}, IDS)
    maps = unpacked(data)
    places = {split: np.flatnonzero(SAMPLES["split"] == split) for split in IDS}
    for split, found in maps.items():
        shaped = found.reshape(2, 3, 4, *found.shape[1:])  # functional, component, interval
        for k, f, c in ((0, 0, 0), (3, 1, 2), (2, 0, 1)):
            expected = MAPS[k, f, c].to_numpy()[np.ix_(places["validation"], places[split])]
            np.testing.assert_allclose(shaped[f, c, k], expected, atol=0.5 / plots.SCALE + 1e-9)


def test_samples_are_in_the_order_of_their_keys_with_names_and_keys_of_their_own():
    """E25: ticks and titles of one side were those of the other."""
    data = map_data(MAPS, SAMPLES, {"sum": "a + b"}, IDS)
    (order,) = data["orders"]
    for split, ordered in order["samples"].items():
        own = SAMPLES[SAMPLES["split"] == split].reset_index(drop=True)
        assert ordered["keys"] == sorted(own["sum"])
        assert ordered["names"] == own["name"].iloc[ordered["places"]].tolist()
        assert ordered["keys"] == own["sum"].iloc[ordered["places"]].tolist()
    hover = map_figure(SAMPLES, "training").data[0].hovertemplate
    assert hover.startswith("validation: %{y}<br>training: %{x}<br>")


def test_what_is_too_large_for_a_page_is_left_out(monkeypatch):
    monkeypatch.setattr(plots, "MAX_SHOWN", 4)
    cells = 2 * 3 * 4 * 8  # functionals, components, samples of both splits
    monkeypatch.setattr(plots, "MAX_VALUES", 3 * cells)
    shown = shown_intervals(MAPS, SAMPLES)
    assert shown["start"].values.tolist() == [0, 0, 40]  # whole run, first and last interval
    data = map_data(shown, SAMPLES, {"class": "class"}, IDS)
    assert len(base64.b64decode(data["values"])) == 3 * cells


def test_development_leaves_out_the_whole_run_and_has_the_phases_behind_it():
    choices = (
        Choice("functional", "", FUNCTIONALS),
        Choice("component", "", {"all components": "", "first": "", "second": ""}),
        Choice("others", "", {"validation": "", "training": ""}),
    )
    means = group_means(MAPS, SAMPLES)
    figure = development_figure(means, choices, Phases(20, 50), 60)
    assert bands(figure) == [(0, 20), (20, 50), (50, 60)]
    shown = [trace for trace in figure.data if trace.visible]
    assert [trace.name.split(" (")[0] for trace in shown] == ["same class", "same input", "others"]
    rows = means[means["interval"] > 0]
    for trace in shown:
        np.testing.assert_array_equal(trace.x, [9.5, 29.5, 49.5])
        own = rows[rows["group"] == trace.name.split(" (")[0]]
        expected = own.loc[pd.Series(own["others"] == "validation")].head(len(own))
        first = expected[expected["functional"].eq("output_sum")]
        first = first[first["component"].eq("all components")]
        np.testing.assert_allclose(trace.y, first["cosine"], rtol=1e-6)
