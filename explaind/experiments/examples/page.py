"""Pages of kind `examples`: the training images that helped and harmed single outputs most."""

from typing import Any

import pandas as pd

from explaind.experiments.examples.tables import SIDES, ExampleTables, Images
from explaind.report.html import not_kept, render
from explaind.report.page import About, Fact, Page, Panel
from explaind.report.tables.classes import ALL_COMPONENTS
from explaind.report.text import signed

SIDE_NAMES = {"helpful": "pushed it up most", "harmful": "pushed it down most"}


def draw(tables: ExampleTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: what it shows.
        about: what the page is about.

    Returns:
        The page.
    """
    table, images = tables.strongest, tables.images
    if images is None:
        facts: tuple[Fact, ...] = ()
        panels = [Panel(about.title, extra=not_kept(about.run, "top"))]
    else:
        facts = (
            Fact("Validation images", str(table["sample"].nunique()), "shown"),
            Fact("Training images", str(table["train"].nunique()), "among the strongest of any"),
            Fact("Outputs", str(table["output"].nunique()), "explained of each"),
        )
        panels = [
            _sample_panel(rows, images, tables, about)
            for _, rows in table.groupby("sample", sort=False)
        ]
    return Page(
        about,
        lead=(
            "The path kernel credits every output to single training images. For some validation "
            "images this page shows the training images that pushed an output up most and those "
            "that pushed it down most: in total and through each layer."
        ),
        facts=facts,
        panels=panels,
    )


def _sample_panel(rows: pd.DataFrame, images: Images, tables: ExampleTables, about: About) -> Panel:
    """Return the strongest training images of one validation image."""
    sample = int(rows["sample"].iloc[0])
    label, prediction = images.validation_labels[sample], images.predictions[sample]
    is_total = rows["component"] == ALL_COMPONENTS
    shown = {
        "image": images.validation[sample],
        "name": f"validation image {sample}",
        "lines": [f"class {label}"],
    }
    return Panel(
        title=f"Validation image {sample}: {label}, predicted {prediction}",
        caption=(
            "The training images of largest and smallest influence on each output of the network "
            "for this image, summed over the whole training, with their class and influence in "
            f"{tables.unit}; positive = pushed the output up."
        ),
        extra=render(
            "rankings.html",
            sample=shown,
            total=_rankings(rows[is_total], images, tables.unit),
            layers=_rankings(rows[~is_total], images, tables.unit),
            missing="" if tables.by_component else not_kept(about.run, "top_component"),
        ),
        tables=(about.files["strongest"],),
    )


def _rankings(rows: pd.DataFrame, images: Images, unit: str) -> list[dict[str, Any]]:
    """Return both ends of the ranking of each output and component, side by side."""
    rankings = []
    for (output, component), ranked in rows.groupby(["output", "component"], sort=False):
        name = _output_name(str(output), images.class_names)
        through = "" if component == ALL_COMPONENTS else f", through {component}"
        sides = [
            {
                "title": f"{SIDE_NAMES[side]} ({unit})",
                "pictures": _pictures(ranked[ranked["side"] == side], images),
            }
            for side in SIDES
        ]
        rankings.append({"title": f"{name}{through}", "sides": sides})
    return rankings


def _pictures(ranked: pd.DataFrame, images: Images) -> list[dict[str, Any]]:
    return [
        {
            "image": images.train[row["train"]],
            "name": f"training image {row['train']}",
            "lines": [images.train_labels[row["train"]], signed(row["influence"], 2)],
        }
        for row in ranked.to_dict("records")
    ]


def _output_name(output: str, class_names: list[str]) -> str:
    """Return what an output is called: after its class if there is one output for each."""
    if output.isdigit():
        return f"Output for class {class_names[int(output)]}"
    return "Log-probability of the true class" if output == "target_logprob" else output
