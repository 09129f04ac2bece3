"""Pages of kind `passages`: held-out passages, and what taught them, token by token."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from plotly.colors import hex_to_rgb

from explaind.experiments.passages.tables import SIDES, PassageTables
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel
from explaind.report.plots.theme import DIVERGING
from explaind.report.text import measured, number, percent, signed

TITLES = {"helpful": "Made it more likely", "harmful": "Made it less likely"}
LOWERED, RAISED = (hex_to_rgb(DIVERGING[end][1]) for end in (0, -1))
DARKEST = 0.55
"""Opacity of the strongest token: text on it is still read with ease."""


def draw(tables: PassageTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: what it shows.
        about: what the page is about.

    Returns:
        The page.
    """
    explained = tables.explained
    return Page(
        about,
        subtitle=f"{len(explained)} held-out passages"
        if len(explained) > 1
        else "one held-out passage",
        lead=(
            "Each held-out passage, which no training saw, stands beside the training passages "
            "that did most for and against its prediction, along the whole training: in "
            f"{tables.unit}, the change of its mean log-probability per token. The influence of a "
            "training passage is the sum of that of its tokens, each by its own loss: red ones "
            "made the held-out passage more likely, blue ones less."
        ),
        facts=(
            Fact("Training passages", f"{int(explained['trained'].iloc[0]):,}", "all explained"),
            Fact(
                "From the language itself",
                percent(float(explained["own_share"].mean())),
                "of what made a passage more likely, on average",
            ),
            Fact(
                "Half of it by",
                f"{round(explained['half'].mean()):,}",
                "training passages, on average: the fewest that did half of what made a passage "
                "more likely",
            ),
        ),
        panels=[_panel(row, tables, about) for row in explained.to_dict("records")],
    )


def _panel(explained: Mapping[Hashable, Any], tables: PassageTables, about: About) -> Panel:
    """Return the strongest training passages of one held-out passage."""
    language = explained["language"]
    tokens = tables.tokens[tables.tokens["explained"] == language]
    limit = float(tokens["influence"].abs().max())
    strongest = tables.strongest[tables.strongest["explained"] == language]
    return Panel(
        title=f"{language}, held-out part {explained['part']}",
        caption=(
            f"{percent(explained['own_share'])} of what made it more likely is due to passages in "
            f"{language}; {explained['half']:,} of {explained['trained']:,} training passages did "
            f"half of that. The darkest token stands for {measured(number(limit, 2), tables.unit)};"
            " the number of each shows when it is pointed at."
            + (" Explained is the prediction of what is underlined." if explained["inside"] else "")
        ),
        extra=render(
            "passages.html",
            explained=explained,
            sides=[
                {
                    "title": TITLES[side],
                    "passages": [
                        _shown(row, tokens[tokens["train"] == row["train"]], limit, tables.unit)
                        for row in strongest[strongest["side"] == side].to_dict("records")
                    ],
                }
                for side in SIDES
            ],
        ),
        tables=(about.files["strongest"], about.files["tokens"]),
    )


def _shown(
    row: Mapping[Hashable, Any], tokens: pd.DataFrame, limit: float, unit: str
) -> dict[str, Any]:
    """Return a training passage as the template shows it."""
    influence = measured(signed(row["influence"], 2), unit)
    return {
        "title": f"{row['language']}, part {row['part']}: {influence}",
        "pieces": [
            {
                "text": token["text"],
                "title": measured(signed(token["influence"], 2), unit),
                "colour": _colour(token["influence"] / limit),
            }
            for token in tokens.to_dict("records")
        ],
    }


def _colour(strength: float) -> str:
    """Return the background of a token; `strength` from -1 to 1."""
    red, green, blue = RAISED if strength > 0 else LOWERED
    return f"rgba({red},{green},{blue},{DARKEST * abs(strength):.2f})"
