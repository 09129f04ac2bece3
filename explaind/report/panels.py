"""Parts that several pages share: the equation of the run, how it learned, what cancels."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from explaind.report.html import not_kept, render
from explaind.report.page import About, Panel, Plot
from explaind.report.plots.cancellation import cancellation_figure, interval_figure
from explaind.report.plots.curves import learning_plots
from explaind.report.plots.theme import DATA, DECAY, MUTED, RESIDUAL, TRUE
from explaind.report.tables.cancellation import ALL, OTHER, SAME, by_interval, whole_run
from explaind.report.tables.explained import Explained
from explaind.report.tables.metrics import has_accuracy, uses_mini_batches
from explaind.report.tables.phases import HELD, Phases, find_phases
from explaind.report.text import measured, number, signed, step, words

TERMS = {
    "initial": ("initial output", "of the untrained network", MUTED),
    "data": ("training data", "what the training samples did", DATA),
    "decay": ("regularisation", "what weight decay did", DECAY),
    "residual": ("residual", "residual of integration and rounding", RESIDUAL),
    "final": ("final output", "of the trained network", TRUE),
}
CLASSES = {SAME: "same class", OTHER: "other classes", ALL: "all training samples"}
"""What the groups of training samples are called, unless a page has better names."""

INFLUENCE_OF_ALL = Markup(
    "This needs the influence of every training sample: <code>influence</code> in <code>runs.{0}."
    "epk.keep</code>, and neither <code>train_samples</code> nor <code>groups</code> beside it."
)
ACCURACY = ", and fraction of the samples that is predicted correctly,"
BATCH = " Training curves are those of the batch of each step alone, not of all training samples."


def equation(explained: Explained, names: Mapping[str, str] = CLASSES) -> Markup:
    """Write out the decomposition, the mean over the explained samples, with what cancels in it.

    Args:
        explained: the explained output.
        names: what the groups of training samples are called.

    Returns:
        The equation.
    """
    means, unit = explained.completeness.mean(), explained.unit
    meanings = {term: meaning for term, (_, meaning, _) in TERMS.items()}
    if not explained.cancellation.empty:
        rows = whole_run(explained.cancellation)
        groups = [k for k in (SAME, OTHER) if k in rows.index]
        parts = " and ".join(f"{signed(rows['net'][k])} ({names[k]})" for k in groups)
        gross = f"{measured(number(rows['gross'][ALL]), unit)} in absolute value"
        meanings["data"] = f"{parts}; {gross}" if groups else gross
    terms = [
        {
            "name": name,
            "meaning": meanings[term],
            "colour": colour,
            "value": measured(signed(means[term]), unit),
        }
        for term, (name, _, colour) in TERMS.items()
    ]
    return render("equation.html", terms=terms)


def learning_panel(metrics: pd.DataFrame, file: Path, letter: str = "") -> Panel:
    """Show loss and, where it was measured, accuracy of both splits.

    Args:
        metrics: the metrics table.
        file: where it was written to.
        letter: mark before the title.

    Returns:
        The panel.
    """
    plots = learning_plots(metrics)
    caption = Markup(
        "{} before every training step and after the last one; validation data are never trained "
        "on.{}{}"
    ).format(
        f"Mean loss{ACCURACY if has_accuracy(metrics) else ''}",
        BATCH if uses_mini_batches(metrics) else "",
        _phases(find_phases(metrics)),
    )
    title = " and ".join(plot.heading.lower() for plot in plots).capitalize()
    return Panel(title=title, caption=caption, plots=plots, tables=(file,), letter=letter)


def cancellation_panel(
    explained: Explained,
    about: About,
    names: Mapping[str, str] = CLASSES,
    letter: str = "",
) -> Panel:
    """Show how much of the influence of the training samples cancels.

    Args:
        explained: the explained output.
        about: what the page is about; its tables have `cancellation` among them.
        names: what the groups of training samples are called.
        letter: mark before the title.

    Returns:
        The panel.
    """
    table, unit, credit = explained.cancellation, explained.unit, explained.credit
    title = "What cancels"
    if table.empty:
        missing = render("missing.html", message=INFLUENCE_OF_ALL.format(about.run))
        return Panel(title, letter=letter, extra=missing)
    whole = whole_run(table)
    plots = [Plot("cancellation", cancellation_figure(table, names, unit), "Whole training")]
    intervals = by_interval(table)
    if not intervals.empty:
        over_time = interval_figure(table, names, unit, credit, explained.phases)
        plots.append(Plot("cancellation-interval", over_time, "Net of every interval"))
    return Panel(
        title=title,
        letter=letter,
        caption=(
            "What the training data did is the small difference of large influences: on average "
            f"over the explained samples {measured(signed(whole['net'][ALL]), unit)} are left of "
            f"{measured(number(whole['gross'][ALL]), unit)} in absolute value. Left: what raised "
            f"and what lowered the output{_by_class(whole, names)}; the diamond is their sum. "
            f"Right: these sums in every training interval, credited to the {words(credit)}."
        ),
        plots=plots,
        extra=Markup() if not intervals.empty else not_kept(about.run, "interval"),
        tables=(about.files["cancellation"],),
    )


def _by_class(whole: pd.DataFrame, names: Mapping[str, str]) -> str:
    """Which training samples are told apart; all are one where targets are no classes."""
    if SAME not in whole.index:
        return ""
    same, other = (f"{names[k]} ({number(whole['samples'][k])}" for k in (SAME, OTHER))
    return f", for training samples of the {same} on average), of {other}) and for all"


def _phases(phases: Phases) -> Markup:
    if phases.memorisation is None:
        return Markup()
    return Markup(
        " <em>Memorised</em> ({}): the first step from which training accuracy stays at {}; "
        "<em>generalised</em> ({}): the same of validation accuracy, or to the end."
    ).format(step(phases.memorisation), HELD, step(phases.generalisation))
