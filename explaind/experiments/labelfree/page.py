"""Pages of kind `labelfree`: the claims about explanations without labels."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from explaind.experiments.labelfree.claims import WAYS
from explaind.experiments.labelfree.outcomes import ABSENT, FAILS, HOLDS, OPEN
from explaind.experiments.labelfree.statements import STATEMENTS
from explaind.experiments.labelfree.tables import LabelfreeTables
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel
from explaind.report.text import number, signed

STUDY = Markup(
    '<a href="https://arxiv.org/abs/2203.01928" title="Label-Free Explainability for Unsupervised'
    ' Models">Crabbé and van der Schaar (2022)</a>'
)
REPRODUCTION = Markup(
    '<a href="https://openreview.net/forum?id=n2qXFXiMsAM" title="Reproducibility Study of'
    ' Label-Free Explainability for Unsupervised Models">Papp et al. (2023)</a>'
)
BADGES = {HOLDS: "faithful", FAILS: "unfaithful", OPEN: "absent", ABSENT: "absent"}
"""Looks of the outcomes (`style.css`)."""

DIFFERENCES = ("feature_consistency", "disentanglement", "roar")
"""Claims about differences, whose sign is always shown."""


def draw(tables: LabelfreeTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    return Page(
        about,
        lead=said(tables.verdicts),
        facts=[*(_fact(tables.verdicts, way) for way in WAYS), *_complete(tables.completeness)],
        panels=[_claim_panel(tables.verdicts, about), _dataset_panel(tables, about)],
    )


def said(verdicts: pd.DataFrame) -> str:
    """Say which claims hold, and what that means.

    Args:
        verdicts: see `claims.verdicts`.

    Returns:
        The sentences.
    """
    held = {way: verdicts.loc[verdicts[way] == HOLDS, "number"].tolist() for way in WAYS}
    asked = {way: int((verdicts[way] != ABSENT).sum()) for way in WAYS}
    names = {way: f" ({', '.join(found)})" if found else "" for way, found in held.items()}
    return (
        f"{len(held['published'])} of {asked['published']} claims hold as published"
        f"{names['published']}, {len(held['corrected'])} of {asked['corrected']} when corrected"
        f"{names['corrected']}. A claim about explanations without labels holds if, on every "
        "dataset that it was measured on, all of each 95 % interval over the trainings fulfils its "
        "rule; it does not hold if an interval lies outside of it; where an interval has the bound "
        "in it, more trainings have to decide."
    )


def _fact(verdicts: pd.DataFrame, way: str) -> Fact:
    counts = verdicts[way].value_counts()
    asked = len(verdicts) - counts.get(ABSENT, 0)
    detail = f"{counts.get(FAILS, 0)} do not, {counts.get(OPEN, 0)} not decided"
    label = {"published": "Hold as published", "corrected": "Hold when corrected"}[way]
    return Fact(label, f"{counts.get(HOLDS, 0)} of {asked}", detail)


def _complete(found: pd.DataFrame) -> list[Fact]:
    """How complete the label-free path kernel is, if any path was explained."""
    if found.empty:
        return []
    kept, allowed = int(found["kept"].sum()), number(found["allowed"].iloc[0], 1)
    detail = (
        f"encoders whose influences add up to the whole in every training, to {allowed}; largest "
        f"completeness error {number(found['largest'].max(), 2)}"
    )
    return [Fact("Path kernel complete", f"{kept} of {len(found)}", detail)]


def _claim_panel(verdicts: pd.DataFrame, about: About) -> Panel:
    caption = Markup(
        "Claims of {} and of the reproduction study of {}. <em>Published</em>: its committed "
        "numbers, or those that its shipped models give when they are measured again. <em>As "
        "published</em>: compared as there; but rows are paired right, networks are in "
        "evaluation mode and pixels have the scale of the training, so that no slip of the code "
        "counts against a claim. <em>Corrected</em>: compared as the last column says. Beside "
        "each outcome stands on how many of the datasets here the claim holds. "
        "Networks here are smaller and trained for less long, so numbers compare in order, not in "
        "size: a claim that does not hold here is not refuted for the published ones."
    ).format(STUDY, REPRODUCTION)
    rows = [
        (
            f"{row['number']} {row['claim']}",
            _lines(STATEMENTS[kind].paper),
            row["rule"],
            *(_counted(row, way) for way in WAYS),
            row["correction"],
        )
        for kind, row in zip(STATEMENTS, verdicts.to_dict("records"), strict=True)
    ]
    titles = ("Claim", "Published", "Rule", "As published", "Corrected", "What is corrected")
    return Panel(
        letter="a",
        title="Which claims hold?",
        caption=caption,
        extra=render("columns.html", caption="", label="Claims", titles=titles, rows=rows),
        tables=(about.files["verdicts"], about.files["completeness"]),
    )


def _dataset_panel(tables: LabelfreeTables, about: About) -> Panel:
    numbers = tables.numbers
    rows = [
        (
            row["claim"],
            Markup('<a href="{}.html">{}</a>').format(row["experiment"], row["dataset"]),
            str(row["trainings"]),
            *(
                _found(numbers[(numbers["experiment"] == row["experiment"]) & own], row[way])
                for way in WAYS
                for own in [numbers["way"] == way]
            ),
        )
        for row in tables.outcomes.to_dict("records")
    ]
    return Panel(
        letter="b",
        title="What was found on each dataset",
        caption="Means over the trainings with their 95 % intervals (Student's t; of a change with "
        "beta, Welch's); numbers without one are for comparison, and not judged. The name of a "
        "dataset leads to the page of the experiment.",
        extra=render(
            "columns.html",
            caption="",
            label="Numbers by dataset",
            titles=("Claim", "Dataset", "Trainings", "As published", "Corrected"),
            rows=rows,
        ),
        tables=(about.files["outcomes"], about.files["numbers"]),
    )


def _counted(row: Mapping[Hashable, Any], way: str) -> Markup:
    """The outcome of a claim over all datasets, and on how many of them it holds."""
    measured = row[f"measured_{way}"]
    counted = f"on {row[f'holds_{way}']} of {measured}" if measured else ""
    return Markup("{} {}").format(_badge(row[way]), counted)


def _found(numbers: pd.DataFrame, outcome: str) -> Markup:
    """The outcome on a dataset with the numbers that it was judged by."""
    lines = [_text(row) for row in numbers.to_dict("records")]
    return Markup("{}<br>{}").format(_badge(outcome), _lines(lines)) if lines else _badge(outcome)


def _text(row: Mapping[Hashable, Any]) -> str:
    write = signed if row["kind"] in DIFFERENCES else number
    mean, low, high = (write(row[name], 2) for name in ("mean", "low", "high"))
    if not row["judged"]:
        return f"{row['case']} {mean}"
    interval = "no interval" if np.isnan(row["low"]) else f"{low} to {high}"
    return f"{row['case']} {mean} ({interval})"


def _badge(outcome: str) -> Markup:
    return Markup('<strong class="badge {}">{}</strong>').format(BADGES[outcome], outcome)


def _lines(texts: Iterable[str]) -> Markup:
    return Markup("<br>").join(texts)
