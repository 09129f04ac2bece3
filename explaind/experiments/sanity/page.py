"""Pages of kind `sanity`: does influence find flipped labels, and does it predict removals?"""

from markupsafe import Markup

from explaind.experiments.sanity.plots import auc_figure, change_figure, roc_figure
from explaind.experiments.sanity.tables import SanityTables
from explaind.experiments.sanity.text import (
    RETRAINED,
    correlation_rows,
    failures,
    noise_answer,
    noise_size,
    noise_without_power,
    removal_answer,
    removal_without_power,
    retraining_rows,
)
from explaind.report.html import render
from explaind.report.page import About, Fact, Files, Page, Panel, Plot
from explaind.report.tables.power import ENOUGH
from explaind.report.text import number, percent

NOISE = "Does influence find flipped labels?"
REMOVAL = "Does removing training samples do what influence says?"


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
            "The path kernel decomposes the training that took place; removal asks what another "
            "training would do: these are different questions. If influence says which training "
            "samples made an output, it should still point at samples whose label was flipped; "
            "how far it foretells removals is measured. Both are tried here, by retraining."
        ),
        facts=_facts(tables),
        panels=(_noise_panel(tables, about.files), _removal_panel(tables, about.files)),
    )


def _facts(tables: SanityTables) -> tuple[Fact, ...]:
    noise, groups = tables.noise, tables.groups
    failed = int((~groups["learned"]).sum())
    return (
        Fact(
            "Flipped labels",
            percent(float(noise["flipped"].mean())),
            f"of {len(noise) // noise['seed'].nunique()} ranked training samples",
        ),
        Fact("Sets of flipped labels", str(noise["seed"].nunique()), "and one training for each"),
        Fact("Targets", str(tables.targets["target"].nunique()), "validation samples"),
        Fact(
            "Their logit margin",
            f"{number(float(groups['before'].iloc[0]))} nat",
            "mean, with all training samples",
        ),
        Fact("Retrained without a group", str(len(groups) - 1), "and once with all samples"),
        Fact("Failed retrainings", str(failed), "the rule is below"),
    )


def _noise_panel(tables: SanityTables, files: Files) -> Panel:
    size, linked = noise_size(tables.noise), (files["roc"], files["aucs"], files["auc_comparison"])
    if tables.power < ENOUGH:
        message = noise_without_power(tables.power, size)
        return Panel(NOISE, extra=render("missing.html", message=message), tables=linked)
    return Panel(
        title=NOISE,
        caption=Markup(
            "{} <em>Self-influence</em>: influence of a training sample on the log-probability of "
            "its own label, large = suspicious; <em>influence on held-out data</em>: sum over "
            "validation samples, negative = suspicious; <em>loss</em> and <em>gradient norm</em> "
            "of the sample at the end of training, large = suspicious. Curves are averaged at "
            "equal false positive rates; bands: 95 % intervals; dotted: chance."
        ).format(noise_answer(tables.auc_means, tables.auc_comparison, size)),
        plots=(
            Plot("roc", roc_figure(tables.roc), f"ROC curves, n = {len(tables.noise)}"),
            Plot("auc", auc_figure(tables.auc_means, tables.aucs), "Areas under them"),
        ),
        tables=linked,
    )


def _removal_panel(tables: SanityTables, files: Files) -> Panel:
    linked = (files["groups"], files["correlations"], files["targets"])
    retrained = render(
        "columns.html",
        caption=failures(tables.groups),
        label="Retrained networks",
        titles=RETRAINED,
        rows=retraining_rows(tables.groups),
    )
    if tables.correlations["power"].iloc[0] < ENOUGH:
        missing = render("missing.html", message=removal_without_power(tables.correlations))
        return Panel(REMOVAL, extra=missing + retrained, tables=linked)
    return Panel(
        title=REMOVAL,
        caption=Markup(
            "{} A marker is a network retrained without a group of samples: from the same "
            "initial parameters, over the same steps and batches, from which they are missing. "
            "<em>Predicted</em>: minus their summed influence; <em>actual</em>: change of the "
            "logit margin, the output of the true class minus the log-sum-exp of the others; both "
            "are means over the targets. Larger markers: more samples; dotted: actual = predicted. "
            "Axes are linear around zero and logarithmic beyond."
        ).format(removal_answer(tables.correlations, tables.groups)),
        plots=(Plot("change", change_figure(tables.groups), "Predicted and actual change"),),
        side=render("table.html", rows=correlation_rows(tables.correlations)),
        extra=retrained,
        tables=linked,
    )
