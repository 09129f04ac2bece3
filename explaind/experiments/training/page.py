"""Pages of kind `training`: how a network learned, step by step."""

import pandas as pd
from markupsafe import Markup

from explaind.experiments.training import panels
from explaind.experiments.training.tables import TrainingTables
from explaind.report.page import About, Fact, Page
from explaind.report.panels import cancellation_panel, equation, learning_panel
from explaind.report.statistics import learning_facts
from explaind.report.tables.metrics import unit_of_metric
from explaind.report.text import measured, number


def draw(tables: TrainingTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    metrics, explained = tables.metrics, tables.explained
    return Page(
        about,
        lead=Markup(
            "What was measured after every update of the parameters, and what the <strong>exact "
            "path kernel</strong> says each of them did. It splits {} into what the training data "
            "and regularisation did, step by step and component by component; averaged over all {} "
            "explained validation samples:"
        ).format(explained.output, len(explained.completeness)),
        extra=equation(explained),
        facts=(*learning_facts(metrics), *_loss_facts(metrics)),
        panels=(
            learning_panel(metrics, about.files["metrics"]),
            panels.decomposition_panel(tables, about.files),
            panels.component_panel(tables, about),
            cancellation_panel(explained, about),
            panels.norm_panel(tables, about.files),
            panels.schedule_panel(tables, about.files),
        ),
    )


def _loss_facts(metrics: pd.DataFrame) -> tuple[Fact, ...]:
    last, unit = metrics.iloc[-1], unit_of_metric(metrics, "loss")
    return tuple(
        Fact(f"Final {name} loss", measured(number(last[f"{split}_loss"]), unit), "per sample")
        for split, name in (("train", "training"), ("validation", "validation"))
    )
