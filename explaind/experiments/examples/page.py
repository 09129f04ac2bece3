"""Pages of kind `examples`: the training images that helped and harmed single outputs most."""

import json
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaind.experiments.examples.tables import SIDES, ExampleTables, Images
from explaind.report.choices import Choice, controls
from explaind.report.html import not_kept, render
from explaind.report.page import About, Fact, Page, Panel
from explaind.report.tables.classes import ALL_COMPONENTS
from explaind.report.text import number, percent, signed

DIRECTIONS = {"helpful": ("up", 1), "harmful": ("down", -1)}
"""What training images at an end of the ranking did, and the sign of their influence."""


def draw(tables: ExampleTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: what it shows.
        about: what the page is about.

    Returns:
        The page.
    """
    images, predictions = tables.images, tables.predictions
    if images is None:
        panels = [Panel(about.title, extra=not_kept(about.run, "top"))]
    else:
        panels = [
            _sample_panel(prediction, images, tables, about)
            for prediction in predictions.to_dict("records")
        ]
    return Page(
        about,
        lead=(
            "The path kernel credits every output to single training images. This page shows the "
            "validation images that the network predicts wrong or is least sure of, the least "
            "probable true class first, and for each the training images that pushed an output up "
            "most and those that pushed it down most: in total or through one layer. "
            f"{_legend(tables)}"
        ),
        facts=(
            Fact("Validation images", str(len(predictions)), "shown, of those that were explained"),
            Fact("Wrong predictions", str(int((~predictions["correct"]).sum())), "among them"),
        ),
        panels=panels,
    )


def _sample_panel(
    prediction: Mapping[Hashable, Any], images: Images, tables: ExampleTables, about: About
) -> Panel:
    """Return the strongest training images of one validation image."""
    sample, names = int(prediction["sample"]), images.class_names
    rows = tables.strongest[tables.strongest["sample"] == sample]
    target, predicted = (names[prediction[key]] for key in ("target", "predicted"))
    shown = {
        "image": images.validation[sample],
        "name": f"validation image {sample}",
        "lines": [f"class {target}:", percent(prediction["target_probability"])],
    }
    choice = _component_choice(tables)
    title = "Validation image {}: {}, {} predicted as {} ({})".format(
        *(sample, target, "correctly" if prediction["correct"] else "wrongly"),
        *(predicted, percent(prediction["predicted_probability"])),
    )
    return Panel(
        title=title,
        controls=controls(choice) if tables.components else not_kept(about.run, "top_component"),
        extra=render(
            "rankings.html",
            sample=shown,
            entries=[
                {
                    "shown_for": json.dumps({choice.name: component}),
                    "hidden": component != choice.first,
                    "rankings": _rankings(rows[rows["component"] == component], images),
                }
                for component in choice.options
            ],
        )
        + (not_kept(about.run, "influence") if not tables.has_shares else ""),
        tables=(about.files["strongest"], about.files["predictions"]),
    )


def _legend(tables: ExampleTables) -> str:
    """Say what stands below the images."""
    text = (
        "Below each training image are its class and its influence over the whole training in "
        f"{tables.unit} (positive = pushed the output up)"
    )
    share = " and its share of all that pushed the same way" if tables.has_shares else ""
    return f"{text}{share}."


def _component_choice(tables: ExampleTables) -> Choice:
    layers = {name: f"through {name}" for name in tables.components}
    return Choice("component", "Influence", {ALL_COMPONENTS: "in total"} | layers)


def _rankings(rows: pd.DataFrame, images: Images) -> list[dict[str, Any]]:
    """Return both ends of the ranking of each output, side by side."""
    rankings = []
    for output, ranked in rows.groupby("output", sort=False):
        sides = [_side(side, ranked[ranked["side"] == side], images) for side in SIDES]
        title = _output_name(str(output), images.class_names)
        rankings.append({"title": title, "sides": sides})
    return rankings


def _side(side: str, ranked: pd.DataFrame, images: Images) -> dict[str, Any]:
    """Return one end of a ranking; the share of its images together, where it is known."""
    direction, sign = DIRECTIONS[side]
    share = float(ranked.loc[sign * ranked["influence"] > 0, "share"].sum())
    title = f"pushed it {direction} most"
    if share:
        title += f": together {_share(share)} of what pushed it {direction}"
    return {"title": title, "pictures": _pictures(ranked, images)}


def _pictures(ranked: pd.DataFrame, images: Images) -> list[dict[str, Any]]:
    return [
        {
            "image": images.train[row["train"]],
            "name": f"training image {row['train']}",
            "lines": [
                images.train_labels[row["train"]],
                signed(row["influence"], 2),
                *([_share(row["share"])] if np.isfinite(row["share"]) else []),
            ],
        }
        for row in ranked.to_dict("records")
    ]


def _share(share: float) -> str:
    return f"{number(100 * share, 2)} %"


def _output_name(output: str, class_names: list[str]) -> str:
    """Return what an output is called: after its class if there is one output for each."""
    if output.isdigit():
        return f"Output for class {class_names[int(output)]}"
    return "Log-probability of the true class" if output == "target_logprob" else output
