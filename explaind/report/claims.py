"""What a paper claims beside what is found here: claims, verdicts, the panel that shows them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from explaind.report.html import render
from explaind.report.page import Fact, Panel

REPRODUCED, PARTLY, NOT = "reproduced", "partly", "not reproduced"
LEFT_OUT, UNDECIDED = "left out", "not decided"

BADGES = {REPRODUCED: "faithful", PARTLY: "approximate", NOT: "unfaithful"}
BADGES |= {LEFT_OUT: "absent", UNDECIDED: "absent"}
"""Looks of the verdicts (`style.css`)."""


class Claim(NamedTuple):
    """A claim, and what is found here.

    Attributes:
        claim: what is claimed.
        paper: the number that the paper or its scripts give.
        published: ours, worked out as published.
        corrected: ours, worked out as it should be; empty if there is no difference.
        judged: the rule.
        verdict: `REPRODUCED`, `PARTLY`, `NOT`, `LEFT_OUT`, or `UNDECIDED` if what was measured
            gives no number.
        shown_by: kind of the experiment whose page shows more; may be empty.
    """

    claim: str
    paper: str
    published: str
    corrected: str
    judged: str
    verdict: str
    shown_by: str = ""


def claims_table(claims: Iterable[Claim]) -> pd.DataFrame:
    """List claims; those that are left out have no numbers.

    Args:
        claims: the claims.

    Returns:
        One row per claim with the columns of `Claim`.
    """
    return pd.DataFrame(
        claim._replace(published="not measured", corrected="not measured")
        if claim.verdict == LEFT_OUT
        else claim
        for claim in claims
    )


def both(fulfilled: Iterable[bool]) -> str:
    """Return the verdict on what was worked out in two ways: both, one or none of them hold."""
    found = list(fulfilled)
    return REPRODUCED if all(found) else PARTLY if any(found) else NOT


def claims_fact(verdicts: pd.DataFrame) -> Fact:
    """Return how many claims are reproduced."""
    counts = verdicts["verdict"].value_counts()
    judged = len(verdicts) - counts.get(LEFT_OUT, 0)
    others = [f"{counts.get(PARTLY, 0)} partly", f"{counts.get(NOT, 0)} not"]
    if UNDECIDED in counts:
        others.append(f"{counts[UNDECIDED]} not decided")
    return Fact("Claims reproduced", f"{counts.get(REPRODUCED, 0)} of {judged}", ", ".join(others))


def claims_panel(
    verdicts: pd.DataFrame,
    pages: Mapping[str, str],
    file: Path,
    title: str,
    caption: Markup,
    letter: str = "",
    paper: str = "Paper",
) -> Panel:
    """Show every claim with its numbers, rule and verdict.

    Args:
        verdicts: the table of `claims_table`.
        pages: page that shows more, by kind of experiment.
        file: where the table was written to.
        title: heading of the panel.
        caption: what the columns mean.
        letter: mark before the title.
        paper: title of the column of the numbers that are compared with.

    Returns:
        The panel.
    """
    rows = [
        [
            row["claim"],
            row["paper"],
            _linked(row["published"], pages.get(str(row["shown_by"]))),
            row["corrected"] or "the same",
            row["judged"],
            Markup('<strong class="badge {}">{}</strong>').format(
                BADGES[str(row["verdict"])], row["verdict"]
            ),
        ]
        for row in verdicts.to_dict("records")
    ]
    return Panel(
        letter=letter,
        title=title,
        caption=caption,
        extra=render(
            "columns.html",
            caption="",
            label="Claims and verdicts",
            titles=["Claim", paper, "Here, as published", "Here, corrected", "Rule", "Verdict"],
            rows=rows,
        ),
        tables=(file,),
    )


def _linked(text: str, page: str | None) -> Markup:
    """A text, with a link to the page that shows more, if there is one."""
    if page is None:
        return Markup("{}").format(text)
    return Markup('{} (<a href="{}.html">more</a>)').format(text, page)
