"""Pages of kind `training`: the metrics of a training run in detail."""

import pandas as pd

from explaind.experiments.training.tables import TrainingTables
from explaind.report.page import About, Fact, Page, Panel
from explaind.report.plots.curves import learning_plots, norm_plots, schedule_plots
from explaind.report.statistics import learning_facts
from explaind.report.tables.phases import HELD, has_accuracy
from explaind.report.text import number

LOSS = (
    "Mean loss (logarithmic axis, lower is better), for data that are trained on and for "
    "validation data that are not"
)
ACCURACY = ", and fraction of their samples that is predicted correctly."


def draw(tables: TrainingTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    metrics, files = tables.metrics, (about.files["metrics"],)
    learning = learning_plots(metrics)
    lead = "What was measured after every update of the parameters. Row 0 is the untrained network"
    if has_accuracy(metrics):
        lead += (
            "; dashed lines mark the first steps from which training (memorised) and validation "
            f"accuracy (generalised) stay at {HELD}"
        )
    return Page(
        about,
        lead=f"{lead}.",
        facts=(*learning_facts(metrics), *_loss_facts(metrics)),
        panels=(
            Panel(
                title=" and ".join(plot.heading.lower() for plot in learning).capitalize(),
                caption=LOSS + (ACCURACY if has_accuracy(metrics) else "."),
                plots=learning,
                tables=files,
            ),
            Panel(
                title="Parameter norms",
                caption=(
                    "Euclidean length of the vector of all parameters and of those of each "
                    "component."
                ),
                plots=norm_plots(metrics),
                tables=files,
            ),
            Panel(
                title="Optimizer settings",
                caption=(
                    "Learning rate and weight decay coefficient as the optimizer used them at "
                    "each step; constant lines mean that there was no schedule."
                ),
                plots=schedule_plots(metrics),
                tables=files,
            ),
        ),
    )


def _loss_facts(metrics: pd.DataFrame) -> tuple[Fact, ...]:
    last, unit = metrics.iloc[-1], "nat per sample"
    return (
        Fact("Final training loss", number(last["train_loss"]), unit),
        Fact("Final validation loss", number(last["validation_loss"]), unit),
    )
