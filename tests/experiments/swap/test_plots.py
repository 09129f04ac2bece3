"""Plots of the swap."""

import numpy as np

from explaind.experiments.swap.plots import (
    AXES,
    confusion_choices,
    confusion_figure,
    curve_choices,
    curve_figure,
)
from explaind.experiments.swap.tables import confusion_counts, swap_curves
from explaind.report.tables.phases import Phases
from tests.experiments.swap.measured import STEPS, swap_store
from tests.report.plots.bands import bands


def drawn(figure, **chosen):
    return {trace.name: trace for trace in figure.data if trace.meta == chosen}


def test_every_choice_has_its_sets_and_the_untouched_network():
    figure = curve_figure(swap_curves(swap_store()), Phases(20, 120))
    for group, name in (("sets", "a + b"), ("single", "a"), ("all but one", "all but a")):
        lines = drawn(figure, measure="accuracy", group=group, split="validation")
        assert list(lines) == [name, "untouched network"]
        assert lines[name].x.tolist() == list(STEPS)
    lines = drawn(figure, measure="kl", group="single", split="train")
    np.testing.assert_allclose(lines["a"].y, [1.4, 1.6, 1.2, 0], rtol=1e-6)


def test_the_difference_is_shown_at_first_and_the_axis_follows_the_measure():
    curves = swap_curves(swap_store())
    figure = curve_figure(curves, Phases())
    first = {choice.name: choice.first for choice in curve_choices(curves)}
    assert first == {"measure": "accuracy_gain", "group": "sets", "split": "validation"}
    assert all(trace.visible == (trace.meta == first) for trace in figure.data)
    titles = figure.layout.meta["measure"]
    assert {name: title["yaxis.title.text"] for name, title in titles.items()} == AXES


def test_the_phases_are_bands_behind_the_curves():
    figure = curve_figure(swap_curves(swap_store()), Phases(20, 50))
    assert bands(figure) == [(0, 20), (20, 50), (50, STEPS[-1])]


def test_groups_without_sets_cannot_be_chosen():
    curves = swap_curves(swap_store())
    assert "sets" not in curve_choices(curves[curves["group"] != "sets"])[1].options


def test_a_confusion_matrix_for_every_step_and_set():
    counts = confusion_counts(swap_store())
    figure = confusion_figure(counts, classes=3)
    assert len(figure.data) == 2 * 4
    (shown,) = (trace for trace in figure.data if trace.visible)
    first = {choice.name: choice.first for choice in confusion_choices(counts)}
    assert shown.meta == first == {"moment": "50", "swapped": "nothing"}
    np.testing.assert_array_equal(shown.z, [[1, 0, 3], [0, 4, 0], [0, 0, 4]])
    assert {trace.zmax for trace in figure.data} == {4}  # colours mean the same everywhere
