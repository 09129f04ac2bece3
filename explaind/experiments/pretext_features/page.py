"""Pages of kind `pretext_features`: do encoders of different tasks look at the same pixels?"""

import json

import numpy as np
import xarray as xr
from markupsafe import Markup

from explaind.experiments.pretext_features.tables import PretextFeatureTables
from explaind.experiments.task_correlation_panel import correlation_panel
from explaind.report.choices import Choice, controls
from explaind.report.html import render
from explaind.report.method_names import FEATURE_METHODS
from explaind.report.page import About, Fact, Page, Panel


def draw(tables: PretextFeatureTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    cases = {str(case): FEATURE_METHODS[str(case)] for case in tables.importance["case"].to_numpy()}
    table = tables.correlations
    panels = [
        correlation_panel(
            table,
            cases,
            "sample",
            "Correlation of the absolute importances that two encoders give to the features of "
            "the same test samples: 1 = they look at the same parts of an input, 0 = at unrelated "
            "ones. GradientShap at few random points is a noisy estimate of integrated gradients, "
            "which hides part of the agreement.",
            about.files["correlations"],
        )
    ]
    if tables.images is not None:
        panels.append(_sheet(tables.images, tables.importance, cases))
    tasks = tables.importance["task"].to_numpy()
    return Page(
        about,
        lead=(
            "An encoder that has no labels learns its representation from a task of its own: to "
            "reconstruct its input, to remove noise, to fill in what is missing. Which features of "
            "an input make its representation? If the answer hardly depended on the task, encoders "
            "of any task could be explained alike."
        ),
        facts=(
            Fact("Tasks", str(len(tasks)), ", ".join(map(str, tasks))),
            Fact(
                "Trainings of each", str(int(table["repetitions"].iloc[0])), "other random numbers"
            ),
        ),
        panels=panels,
    )


def _sheet(images: xr.DataArray, importance: xr.DataArray, cases: dict[str, str]) -> Panel:
    choice = Choice("method", "Method", cases)
    examples = [
        render(
            "rankings.html",
            sample={"image": image, "name": f"test image {number}", "lines": []},
            entries=[
                {
                    "shown_for": json.dumps({"method": case}),
                    "hidden": case != choice.first,
                    "rankings": [
                        {
                            "title": "",
                            "sides": [{"title": "", "pictures": _maps(values.sel(case=case))}],
                        }
                    ],
                }
                for case in cases
            ],
        )
        for number, (image, values) in enumerate(
            zip(images.to_numpy(), importance, strict=True), start=1
        )
    ]
    return Panel(
        letter="b",
        title="What each encoder looks at",
        caption=(
            "Test images, and the importance of their pixels to encoders of each task: white = the "
            "most important pixel of that map, black = none. Of the first training."
        ),
        controls=controls(choice),
        extra=Markup().join(examples),
    )


def _maps(values: xr.DataArray) -> list[dict[str, object]]:
    return [
        {
            "image": np.asarray(values.sel(task=task).sum("channel").to_numpy())[None],
            "name": f"importance of pixels, {task}",
            "lines": [str(task)],
        }
        for task in values["task"].to_numpy()
    ]
