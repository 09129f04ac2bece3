"""Pages of kind `pretext_examples`: do encoders of different tasks represent samples alike?"""

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
from markupsafe import Markup

from explaind.experiments.pretext_examples.tables import PretextExampleTables
from explaind.experiments.task_correlation_panel import correlation_panel
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel
from explaind.report.text import number

CASES = {
    "log_distance": "Logarithm of the distance",
    "inverse_square_distance": "1 / squared distance, as published",
}


def draw(tables: PretextExampleTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    table, tasks = tables.correlations, list(tables.nearest["task"].unique())
    panels = [
        correlation_panel(
            table,
            CASES,
            "sample",
            "Correlation between two encoders of how near training samples are to test samples: 1 ="
            " they find the same ones near. Pearson's coefficient of 1 / squared distance, the "
            "published score, is decided by a handful of pairs that are nearly equal; its "
            "logarithm counts all pairs. To ranks (Spearman) both are the same.",
            about.files["correlations"],
        )
    ]
    if tables.test is not None and tables.train is not None:
        panels.append(_sheet(tables.nearest, tables.test, tables.train, about))
    return Page(
        about,
        lead=(
            "Which training samples does an encoder represent most like a test sample? They are "
            "its examples of what it sees there. If encoders of different tasks named others, the "
            "examples would tell about the task, not about the sample."
        ),
        facts=(
            Fact("Tasks", str(len(tasks)), ", ".join(tasks)),
            Fact(
                "Trainings of each", str(int(table["repetitions"].iloc[0])), "other random numbers"
            ),
        ),
        panels=panels,
    )


def _sheet(
    nearest: pd.DataFrame,
    test: Mapping[int, np.ndarray],
    train: Mapping[int, np.ndarray],
    about: About,
) -> Panel:
    examples = [
        render(
            "rankings.html",
            sample={
                "image": test[int(rows["sample"].iloc[0])],
                "name": f"test image {rows['sample'].iloc[0]}",
                "lines": [f"class {rows['label'].iloc[0]}"],
            },
            entries=[
                {
                    "shown_for": json.dumps({}),
                    "hidden": False,
                    "rankings": [{"title": "", "sides": _sides(rows, train)}],
                }
            ],
        )
        for _, rows in nearest.groupby("sample", sort=False)
    ]
    return Panel(
        letter="b",
        title="The nearest training images",
        caption=(
            "Test images, and the training images that encoders of each task represent most like "
            "them, the nearest first, with their classes, which no encoder but the classifier was "
            "told, and the distance. Of the first training."
        ),
        extra=Markup().join(examples),
        tables=(about.files["nearest"],),
    )


def _sides(rows: pd.DataFrame, train: Mapping[int, np.ndarray]) -> list[dict[str, object]]:
    return [
        {
            "title": task,
            "pictures": [
                {
                    "image": train[row["train"]],
                    "name": f"training image {row['train']}",
                    "lines": [row["train_label"], number(row["distance"], 2)],
                }
                for row in own.to_dict("records")
            ],
        }
        for task, own in rows.groupby("task", sort=False)
    ]
