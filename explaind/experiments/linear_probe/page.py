"""Pages of kind `linear_probe`: what of the classes can be read off a representation."""

from explaind.experiments.linear_probe.tables import TRAINED, LinearProbeTables
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel, Plot
from explaind.report.plots.theme import COMPONENTS, MUTED, label_axes, new_figure
from explaind.report.text import percent


def draw(tables: LinearProbeTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    trained = tables.accuracy[tables.accuracy["seen"] == TRAINED]
    best = trained.sort_values("mean", kind="stable").iloc[-1]
    return Page(
        about,
        lead=(
            "An encoder that was trained without labels is of use if what it represents can be "
            "read off easily. A linear classifier is trained on its representations, which stay as "
            "they are, and tested on samples that no training has seen."
        ),
        facts=[
            Fact(
                f"Best: {best['encoder']}",
                _rounded(float(best["mean"])),
                "accuracy on its representations",
            ),
            Fact(
                "Most frequent class",
                _rounded(float(best["majority"])),
                "accuracy of always predicting it",
            ),
        ],
        panels=[_panel(tables, about)],
    )


def _panel(tables: LinearProbeTables, about: About) -> Panel:
    figure, accuracy = new_figure(), tables.accuracy
    for colour, (seen, own) in zip(COMPONENTS, accuracy.groupby("seen", sort=False), strict=False):
        figure.add_bar(
            x=own["encoder"],
            y=100 * own["mean"],
            name=str(seen),
            marker={"color": colour},
            error_y={
                "array": 100 * (own["high"] - own["mean"]),
                "arrayminus": 100 * (own["mean"] - own["low"]),
                "thickness": 1.2,
                "width": 4,
            },
            hovertemplate="%{y:.1f} %",
        )
    label_axes(figure, "", "accuracy on test samples (%)", rangemode="tozero")
    figure.add_hline(
        y=100 * float(accuracy["majority"].iloc[0]), line={"dash": "dot", "color": MUTED}
    )
    figure.update_layout(barmode="group")
    rows = [
        (
            row["encoder"],
            row["seen"],
            f"{_rounded(row['mean'])} ({_rounded(row['low'])} to {_rounded(row['high'])})",
            _rounded(row["train_accuracy"]),
        )
        for row in accuracy.to_dict("records")
    ]
    return Panel(
        title="What can be read off",
        caption=(
            "Accuracy of logistic regression on standardised representations, mean over the "
            "trainings with 95 % intervals by Student's t, cut at 0 and 100 %. Beside the trained "
            "encoder: the same one before its training, and the raw inputs. Dotted: always the "
            "most frequent class."
        ),
        plots=[Plot("accuracy", figure)],
        extra=render(
            "columns.html",
            caption="In brackets: 95 % intervals, of two trainings at least.",
            label="Accuracy of the linear probe",
            titles=("Encoder", "The classifier sees", "Test accuracy", "Training accuracy"),
            rows=rows,
        ),
        tables=(about.files["accuracy"], about.files["replicates"]),
    )


def _rounded(share: float) -> str:
    """A share with a tenth of a per cent."""
    return percent(round(share, 3))
