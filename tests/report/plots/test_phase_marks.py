"""Labels of the memorisation and generalisation steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explaind.report.plots.phase_marks import (
    LABEL_WIDTH,
    PhaseBar,
    add_phase_bars,
    mark_phases,
    place_labels,
)
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
    assert f"memorised {first:,}" in text
    assert f"generalised {second:,}" in text
    if len(labels) == 2:
        (_, stop), (start, _) = sorted(spans(labels))
        assert stop <= start


@given(st.integers(0, LAST))
def test_a_single_label_stays_inside(step):
    ((start, stop),) = spans(place_labels({"memorised": step}, LAST))
    assert start >= 0
    assert stop <= LAST


@pytest.mark.parametrize(
    ("phases", "lines", "bands"),
    [
        (Phases(10, 900), [10, 900], [(0, 10), (10, 900), (900, LAST)]),
        (Phases(10, None), [10], [(0, 10), (10, LAST)]),
        (Phases(None, None), [], []),
    ],
)
def test_a_line_at_each_reached_step_and_bands_between(phases, lines, bands):
    figure = new_figure()
    mark_phases(figure, phases, LAST)
    drawn = figure.layout.shapes
    assert [shape.x0 for shape in drawn if shape.type == "line"] == lines
    rectangles = [shape for shape in drawn if shape.type == "rect"]
    assert [(shape.x0, shape.x1) for shape in rectangles] == bands
    assert len({shape.fillcolor for shape in rectangles}) == len(bands)
    assert len(figure.layout.annotations) == len(lines)


def test_phases_that_overlap_have_rows_of_their_own_above_the_lines():
    figure = new_figure()
    figure.add_scatter(x=[0, LAST], y=[0, 1])
    bars = [PhaseBar("first", 0, 600, "rgba(0,0,0,1)"), PhaseBar("second", 550, LAST, "red")]
    add_phase_bars(figure, bars)
    drawn = [(trace.name, tuple(trace.x)) for trace in figure.data if trace.yaxis == "y2"]
    assert drawn == [("second", (550, LAST)), ("first", (0, 600))]
    assert len({trace.y[0] for trace in figure.data if trace.yaxis == "y2"}) == 2
    assert figure.layout.yaxis.domain[1] == figure.layout.yaxis2.domain[0]
    anchors = {note.text: (note.x, note.xanchor) for note in figure.layout.annotations}
    assert anchors == {"first": (0, "left"), "second": (LAST, "right")}


def test_without_phases_the_lines_have_all_the_room():
    figure = new_figure()
    add_phase_bars(figure, [])
    assert figure == new_figure()
