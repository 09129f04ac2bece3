"""Pages of kind `sanity`: does influence find wrong labels, and does it predict removals?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from explaind.config import Config
from explaind.config.figures import SanityFigure
from explaind.config.stages import pages_of_run
from explaind.experiments.label_noise.tables import (
    auc_comparison,
    auc_means,
    detection_aucs,
    mean_roc_curves,
)
from explaind.experiments.leave_group_out.tables import group_correlations, group_means
from explaind.experiments.sanity.plots import auc_figure, change_figure, roc_figure
from explaind.experiments.sanity.text import (
    correlation_rows,
    extreme_rows,
    noise_answer_html,
    removal_answer_html,
)
from explaind.paths import Paths
from explaind.report.page import Fact, Page, Panel, Plot, table_html, write_page, write_table
from explaind.report.tables.run import read_table
from explaind.report.text import number, percent

Files = Mapping[str, Path]


@dataclass(frozen=True)
class SanityTables:
    """All numbers of the page.

    Attributes:
        noise: the table of the experiment `label_noise`.
        roc: see `mean_roc_curves`.
        aucs: see `detection_aucs`.
        auc_means: see `auc_means`.
        auc_comparison: see `auc_comparison`.
        targets: the table of the experiment `leave_group_out`.
        groups: see `group_means`.
        correlations: see `group_correlations`.
    """

    noise: pd.DataFrame
    roc: pd.DataFrame
    aucs: pd.DataFrame
    auc_means: pd.DataFrame
    auc_comparison: pd.DataFrame
    targets: pd.DataFrame
    groups: pd.DataFrame
    correlations: pd.DataFrame

    @classmethod
    def of(cls, noise: pd.DataFrame, targets: pd.DataFrame) -> "SanityTables":
        """Work the numbers out of the tables of the experiments."""
        aucs = detection_aucs(noise)
        return cls(
            noise=noise,
            roc=mean_roc_curves(noise),
            aucs=aucs,
            auc_means=auc_means(aucs),
            auc_comparison=auc_comparison(aucs),
            targets=targets,
            groups=group_means(targets),
            correlations=group_correlations(targets),
        )


def write_sanity(config: Config, paths: Paths, figure: str) -> None:
    """Read the tables of the experiments, write the tables of the page and the page.

    Args:
        config: the resolved configuration.
        paths: where the project keeps its files.
        figure: name of the figure.

    Raises:
        StoreError: if a table is missing or unreadable.
    """
    settings = config.figures[figure]
    assert isinstance(settings, SanityFigure)
    run = settings.run
    tables = SanityTables.of(
        read_table(paths.experiment(run, settings.label_noise), "label_noise"),
        read_table(paths.experiment(run, settings.leave_group_out), "leave_group_out"),
    )
    files = {
        name: write_table(getattr(tables, name), paths.table(figure, name))
        for name in ("roc", "aucs", "auc_comparison", "groups", "correlations")
    }
    files["targets"] = write_table(tables.targets, paths.table(figure, "targets", "parquet"))
    page = sanity_page(figure, run, tables, files, pages_of_run(config, run))
    write_page(page, paths.figure(figure))


def sanity_page(
    figure: str, run: str, tables: SanityTables, files: Files, pages: Mapping[str, str]
) -> Page:
    """Put the page together.

    Args:
        figure: name of the figure.
        run: name of the run.
        tables: all numbers.
        files: the files that the tables were written to, by name.
        pages: the pages of the same run.
    """
    return Page(
        name=figure,
        title="Sanity of influence",
        subtitle=f"Run “{run}”",
        lead=(
            '<p class="lead">If influence says which training samples made an output, it should '
            "point at samples whose label is wrong, and say what happens to an output when "
            "samples are removed. Both are tried here, by training again.</p>"
        ),
        facts=_facts(tables),
        panels=(_noise_panel(tables, files), _removal_panel(tables, files)),
        pages=pages,
    )


def _facts(tables: SanityTables) -> tuple[Fact, ...]:
    noise, groups = tables.noise, tables.groups
    before = float(groups["before"].iloc[0])
    return (
        Fact(
            "Wrong labels",
            percent(float(noise["flipped"].mean())),
            f"of {len(noise) // noise['seed'].nunique()} ranked training samples",
        ),
        Fact("Sets of wrong labels", str(noise["seed"].nunique()), "and one training for each"),
        Fact("Targets", str(tables.targets["target"].nunique()), "validation samples"),
        Fact("Their log-probability", f"{number(before)} nat", "mean, with all training samples"),
        Fact("Trainings without a group", str(len(groups) - 1), "and one with all samples"),
    )


def _noise_panel(tables: SanityTables, files: Files) -> Panel:
    return Panel(
        title="Does influence find wrong labels?",
        caption=(
            f"{noise_answer_html(tables.auc_means, tables.auc_comparison, _seeds(tables))} "
            "<em>Self-influence</em>: influence of a training sample on the log-probability of its "
            "own label, large = suspicious; <em>influence on held-out data</em>: sum over "
            "validation samples, negative = suspicious; <em>loss</em> and <em>gradient norm</em> "
            "of the sample at the end of training, large = suspicious. Curves are averaged at "
            "equal shares of right labels; dotted: chance."
        ),
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
        caption=(
            f"{removal_answer_html(tables.correlations, tables.groups)} A marker is a training "
            "without a group of samples: from the same initial parameters, over the same steps "
            "and batches, from which they are missing. <em>Predicted</em>: minus their summed "
            "influence; <em>actual</em>: change of the log-probability of the true class; both "
            "are means over the targets. Larger markers: more samples; dotted: actual = predicted."
        ),
        plots=(Plot("change", change_figure(tables.groups)),),
        side=table_html(rows),
        tables=(files["groups"], files["correlations"], files["targets"]),
    )


def _seeds(tables: SanityTables) -> int:
    return int(tables.noise["seed"].nunique())
