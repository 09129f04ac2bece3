"""Controls and what they show at first."""

import json
import re
from html import unescape

import pytest
from markupsafe import Markup

from explaind.report.choices import Choice, controls, show_first, shown_for
from explaind.report.plots.theme import new_figure

SHAPE = Choice("shape", "Shape & size", {"round": "it is <round>", "flat": "it is flat"})
COLOUR = Choice("colour", "Colour", {"red": "red", "blue": "blue"})


def test_controls_list_every_value_and_are_escaped():
    html = controls(SHAPE, COLOUR)
    assert html.count("<select") == 2
    assert '<option value="round">it is &lt;round&gt;</option>' in html
    assert "Shape &amp; size" in html


def test_pieces_are_hidden_that_are_not_for_the_first_values():
    pieces = [
        ({"shape": shape, "colour": colour}, Markup("<p>{} {}</p>").format(shape, colour))
        for shape in SHAPE.options
        for colour in COLOUR.options
    ]
    html = shown_for([*pieces, ({"colour": "red"}, Markup("<p>any</p>"))], SHAPE, COLOUR)
    found = re.findall(r'data-shown-for="([^"]*)"( hidden)?>\s*<p>(.*?)</p>', html)
    shown = [text for _, hidden, text in found if not hidden]
    assert shown == ["round red", "any"]
    assert json.loads(unescape(found[3][0])) == {"shape": "flat", "colour": "blue"}


@pytest.fixture
def figure():
    figure = new_figure()
    for shape in SHAPE.options:
        for colour in COLOUR.options:
            figure.add_scatter(y=[1], name=shape + colour, meta={"shape": shape, "colour": colour})
    figure.add_scatter(y=[1], name="every colour", meta={"shape": "round"})
    return figure


def test_figure_shows_what_is_for_the_first_values(figure):
    titles = {shape: {"yaxis.title.text": text} for shape, text in SHAPE.options.items()}
    show_first(figure, (SHAPE, COLOUR), {"shape": titles})
    assert [trace.name for trace in figure.data if trace.visible] == ["roundred", "every colour"]
    assert figure.layout.yaxis.title.text == "it is <round>"
    assert figure.layout.meta["shape"]["flat"] == {"yaxis.title.text": "it is flat"}


def test_a_choice_that_does_not_exist_is_an_error(figure):
    with pytest.raises(KeyError, match="colour"):
        show_first(figure, (SHAPE,), {})
