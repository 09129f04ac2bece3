"""Pages of kind `sanity`: does influence find flipped labels, and does it predict removals?"""

from markupsafe import Markup

from explaind.experiments.sanity.plots import auc_figure, change_figure, roc_figure
from explaind.experiments.sanity.tables import SanityTables
from explaind.experiments.sanity.text import (
    correlation_rows,
    extreme_rows,
    noise_answer,
    removal_answer,
)
from explaind.report.html import render
from explaind.report.page import About, Fact, Files, Page, Panel, Plot
from explaind.report.text import number, percent


def draw(tables: SanityTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    return Page(
        about,
        lead=(
            "If influence says which training samples made an output, it should point at samples "
            "whose label was flipped, and say what happens to an output when samples are removed. "
            "Both are tried here, by retraining."
        ),
        facts=_facts(tables),
        panels=(_noise_panel(tables, about.files), _removal_panel(tables, about.files)),
    )


def _facts(tables: SanityTables) -> tuple[Fact, ...]:
    noise, groups = tables.noise, tables.groups
    before = float(groups["before"].iloc[0])
    return (
        Fact(
            "Flipped labels",
            percent(float(noise["flipped"].mean())),
            f"of {len(noise) // noise['seed'].nunique()} ranked training samples",
        ),
        Fact("Sets of flipped labels", str(noise["seed"].nunique()), "and one training for each"),
        Fact("Targets", str(tables.targets["target"].nunique()), "validation samples"),
        Fact("Their log-probability", f"{number(before)} nat", "mean, with all training samples"),
        Fact("Retrained without a group", str(len(groups) - 1), "and once with all samples"),
    )


def _noise_panel(tables: SanityTables, files: Files) -> Panel:
    seeds = int(tables.noise["seed"].nunique())
    return Panel(
        title="Does influence find flipped labels?",
        caption=Markup(
            "{} <em>Self-influence</em>: influence of a training sample on the log-probability of "
            "its own label, large = suspicious; <em>influence on held-out data</em>: sum over "
            "validation samples, negative = suspicious; <em>loss</em> and <em>gradient norm</em> "
            "of the sample at the end of training, large = suspicious. Curves are averaged at "
            "equal false positive rates; dotted: chance."
        ).format(noise_answer(tables.auc_means, tables.auc_comparison, seeds)),
        plots=(
            Plot("roc", roc_figure(tables.roc), "ROC curves"),
            Plot("auc", auc_figure(tables.auc_means, tables.aucs), "Areas under them"),
        ),
        tables=(files["roc"], files["aucs"], files["auc_comparison"]),
    )


def _removal_panel(tables: SanityTables, files: Files) -> Panel:
    rows = [*correlation_rows(tables.correlations), *extreme_rows(tables.groups)]
    return Panel(
        title="Does removing training samples do what influence says?",
        caption=Markup(
            "{} A marker is a network retrained without a group of samples: from the same initial "
            "parameters, over the same steps and batches, from which they are missing. "
            "<em>Predicted</em>: minus their summed influence; <em>actual</em>: change of the "
            "log-probability of the true class; both are means over the targets. Larger markers: "
            "more samples; dotted: actual = predicted."
        ).format(removal_answer(tables.correlations, tables.groups)),
        plots=(Plot("change", change_figure(tables.groups)),),
        side=render("table.html", rows=rows),
        tables=(files["groups"], files["correlations"], files["targets"]),
    )
