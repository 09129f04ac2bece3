"""The plots of the story: what is known is drawn, what is left out is not."""

import numpy as np

from explaind.experiments.grokking.phases import story_phases
from explaind.experiments.grokking.timeline import COLOURS, timeline
from tests.experiments.grokking import planted


def drawn(**changes):
    story = planted.story(**changes)
    phases = story_phases(story)
    return phases, {plot.id: plot.figure for plot in timeline(story, phases, "nat")}


def test_every_measurement_has_a_plot_on_bands_of_the_phases():
    phases, figures = drawn()
    assert len(figures) == 4
    accuracy = figures["phase-accuracy"]
    names = [trace.name for trace in accuracy.data]
    assert names == ["training", "validation", "validation, with final outer layers"]
    training = accuracy.data[0]
    steps = np.asarray(training.x)
    np.testing.assert_array_equal(np.asarray(training.y), steps >= planted.MEMORISED)
    for figure in figures.values():
        colours = [shape.fillcolor for shape in figure.layout.shapes if shape.type == "rect"]
        assert {COLOURS[phase.name] for phase in phases} >= {*colours}
        assert colours
    assert "nat" in figures["phase-influence"].layout.yaxis.title.text


def test_what_is_left_out_has_no_plot():
    _, figures = drawn(balance=None, cosines=None, swapped=None, influence=planted.influence()[:0])
    assert list(figures) == ["phase-accuracy"]
    assert len(figures["phase-accuracy"].data) == 2
