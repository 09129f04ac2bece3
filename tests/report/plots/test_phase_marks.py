"""Labels of the memorisation and generalisation steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explaind.report.plots.phase_marks import LABEL_WIDTH, mark_phases, place_labels
from explaind.report.plots.theme import new_figure
from explaind.report.tables.phases import Phases

LAST = 1000


def spans(labels):
    width = LABEL_WIDTH * LAST
    return [
        (label.step - width, label.step)
        if label.side == "right"
        else (label.step, label.step + width)
        for label in labels
    ]


@given(st.integers(0, LAST), st.integers(0, LAST))
def test_labels_neither_overlap_nor_hide(first, second):
    labels = place_labels({"memorised": first, "generalised": second}, LAST)
    text = " ".join(label.text for label in labels)
    assert f"memorised {first}" in text
    assert f"generalised {second}" in text
    if len(labels) == 2:
        (_, stop), (start, _) = sorted(spans(labels))
        assert stop <= start


@given(st.integers(0, LAST))
def test_a_single_label_stays_inside(step):
    ((start, stop),) = spans(place_labels({"memorised": step}, LAST))
    assert start >= 0
    assert stop <= LAST


@pytest.mark.parametrize(
    ("phases", "lines"), [(Phases(10, 900), 2), (Phases(10, None), 1), (Phases(None, None), 0)]
)
def test_one_line_per_reached_step(phases, lines):
    figure = new_figure()
    mark_phases(figure, phases, LAST)
    assert len(figure.layout.shapes) == len(figure.layout.annotations) == lines
