"""The panel of correlations: points with intervals, and a matrix for every choice."""

from pathlib import Path

import numpy as np

from explaind.experiments.task_correlation_panel import RANKS, correlation_panel
from explaind.experiments.task_correlations import OVER, correlation_array, summary
from explaind.report.text import MINUS


def panel_of(replicates):
    values = [[np.full((2, 2, 3, 3), value)] for value in replicates]
    names = {"case": ["saliency"], "task": ["a", "b", "c"], "other": ["a", "b", "c"]}
    table = summary(correlation_array(values).assign_coords(names))
    return table, correlation_panel(
        table, {"saliency": "Saliency"}, "image", "Pixels.", Path("correlations.csv")
    )


def test_every_pair_is_a_point_with_its_interval():
    table, panel = panel_of([0.2, 0.5, 0.8])
    assert "95 % interval" in panel.caption
    traces = panel.plots[0].figure.data
    assert len(traces) == len(OVER) * len(RANKS)
    first = traces[0]
    assert list(first.x) == ["a and<br>b", "a and<br>c", "b and<br>c"]
    np.testing.assert_allclose(first.y, 0.5)
    half = table["high"].iloc[0] - 0.5
    np.testing.assert_allclose(first.error_y.array, half)


def test_matrices_are_symmetric_and_have_ones_on_the_diagonal():
    _, panel = panel_of([-0.5, -0.5])
    assert panel.extra.count("<table") == len(OVER) * len(RANKS)
    assert panel.extra.count(f"{MINUS}0.50 ± 0.00") == 6 * len(OVER) * len(RANKS)
    assert "-0.50" not in panel.extra


def test_one_training_has_no_interval_to_speak_of():
    assert "interval" not in panel_of([0.5])[1].caption
