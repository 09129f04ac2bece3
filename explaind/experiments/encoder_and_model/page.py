"""Pages of kind `encoder_and_model`: encoder against the classifier that it is part of."""

from explaind.experiments.encoder_and_model.tables import AgreementTables
from explaind.report.html import render
from explaind.report.method_names import FEATURE_METHODS
from explaind.report.page import About, Fact, Page, Panel, Plot
from explaind.report.plots.theme import BLUE, GREEN, ORANGE, label_axes, new_figure
from explaind.report.text import number

COLOURS = {"logits": BLUE, "softmax": ORANGE, "predicted class": GREEN}
MEANINGS = {
    "logits": "without labels, of all logits",
    "softmax": "without labels, of all probabilities",
    "predicted class": "of the logit of the predicted class",
}


def draw(tables: AgreementTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    agreement = tables.agreement
    best, worst = (agreement.sort_values("mean").iloc[place] for place in (-1, 0))
    return Page(
        about,
        lead=(
            "An encoder is explained without labels. If it is part of a classifier, the whole "
            "classifier could be explained instead. Do both call the same pixels important? A "
            "linear layer only changes how representations are compared; a softmax saturates."
        ),
        facts=[
            Fact(
                f"{extreme} agreement",
                number(row["mean"]),
                f"{FEATURE_METHODS[row['method']]}, {row['output']}",
            )
            for extreme, row in (("Largest", best), ("Smallest", worst))
        ],
        panels=[_panel(tables, about)],
    )


def _panel(tables: AgreementTables, about: About) -> Panel:
    figure, agreement = new_figure(), tables.agreement
    for output, own in agreement.groupby("output", sort=False):
        figure.add_bar(
            x=[FEATURE_METHODS[method] for method in own["method"]],
            y=own["mean"],
            name=str(output),
            marker={"color": COLOURS[str(output)]},
            error_y={"array": own["margin"], "thickness": 1.2, "width": 4},
            hovertemplate="%{y:.3f}",
        )
    label_axes(figure, "", "mean correlation of two maps of an image")
    figure.update_layout(barmode="group")
    figure.update_yaxes(range=[min(0.0, float(agreement["mean"].min())), 1.05])
    rows = [
        (
            FEATURE_METHODS[row["method"]],
            MEANINGS[row["output"]],
            number(row["mean"]),
            f"± {number(row['margin'], 2)}",
            str(row["trainings"]),
        )
        for row in agreement.to_dict("records")
    ]
    return Panel(
        title="Do encoder and classifier agree?",
        caption=(
            "Pearson's correlation of the absolute importance of the encoder and of the "
            "classifier, over the pixels of an image that are not black, mean over the test "
            "images; bars are means over the trainings with 95 % intervals by Student's t."
        ),
        plots=[Plot("agreement", figure)],
        extra=render(
            "columns.html",
            caption="",
            label="Agreement of encoder and classifier",
            titles=("Method", "Importance of the classifier", "Mean", "95 % interval", "Trainings"),
            rows=rows,
        ),
        tables=(about.files["agreement"], about.files["replicates"]),
    )
