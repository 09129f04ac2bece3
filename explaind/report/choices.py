"""Controls with which a reader chooses what a panel shows, in place of one plot for each case.

What is shown for some values only carries them: the traces of a figure in `meta`, elements of a
template in `data-shown-for`, as JSON. `choices.js` shows what fits the chosen values.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from explaind.report.html import render


@dataclass(frozen=True)
class Choice:
    """One control.

    Attributes:
        name: what is chosen.
        label: what it is called on the page.
        options: text of every value; the first value is chosen at first.
    """

    name: str
    label: str
    options: Mapping[str, str]

    @property
    def first(self) -> str:
        """Return the value that is chosen at first."""
        return next(iter(self.options))


def controls(*choices: Choice) -> Markup:
    """Return the controls of a panel.

    Args:
        choices: what can be chosen.

    Returns:
        One drop-down list for each, with labels.
    """
    return render("choices.html", choices=choices)


def shown_for(contents: Sequence[tuple[Mapping[str, str], Markup]], *choices: Choice) -> Markup:
    """Return pieces of a panel, each of which is shown for some values of its choices only.

    Args:
        contents: the values of choices that each piece is for, by name, and the piece.
        choices: the choices of the panel.

    Returns:
        All of them; those are hidden that are not for the values chosen at first.
    """
    first = {choice.name: choice.first for choice in choices}
    entries = [
        {
            "shown_for": json.dumps(values),
            "hidden": any(first[name] != value for name, value in values.items()),
            "content": content,
        }
        for values, content in contents
    ]
    return render("shown_for.html", entries=entries)


def show_first(
    figure: go.Figure,
    choices: tuple[Choice, ...],
    layouts: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> None:
    """Show the traces of the values that are chosen at first, and prepare the others.

    Args:
        figure: the figure; the `meta` of each trace has the value of every choice that it is for.
        choices: the choices of the panel.
        layouts: changes of the layout (`"yaxis.title.text": ...`) by name and value of a choice.
    """
    first = {choice.name: choice.first for choice in choices}
    for trace in figure.data:
        trace.visible = all(first[name] == value for name, value in trace.meta.items())
    figure.update_layout(meta=layouts)
    for name, by_value in layouts.items():
        figure.update_layout({k.replace(".", "_"): v for k, v in by_value[first[name]].items()})
