"""Pages of kind `pruning`: networks pruned by influence and by other scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pandas as pd

from explaind.config import Config
from explaind.config.stages import pages_of_run
from explaind.experiments.pruning.plots import metric_figure, zeros_figure
from explaind.experiments.pruning.tables import (
    METRICS,
    UNPRUNED,
    layer_means,
    pruning_comparison,
    pruning_means,
    read_pruning,
)
from explaind.experiments.pruning.text import answer_html, comparison_rows
from explaind.paths import Paths
from explaind.report.page import Fact, Page, Panel, Plot, table_html, write_page, write_table
from explaind.report.text import percent

HEADINGS = {"accuracy": "Accuracy", "agreement": "Same answer as unpruned", "kl": "Divergence"}
QUOTAS = {
    "global": "The parameters of all layers compete with each other.",
    "layer": "Each layer keeps the same share of its parameters.",
}

Files = Mapping[str, Path]


@dataclass(frozen=True)
class PruningTables:
    """All numbers of the page.

    Attributes:
        unpruned: the rows of the unpruned network, one per seed.
        means: see `pruning_means`.
        comparison: see `pruning_comparison`.
        layers: see `layer_means`.
    """

    unpruned: pd.DataFrame
    means: pd.DataFrame
    comparison: pd.DataFrame
    layers: pd.DataFrame

    @classmethod
    def of(cls, table: pd.DataFrame) -> "PruningTables":
        """Work the numbers out of the table of the experiment."""
        unpruned = table[table["method"] == UNPRUNED]
        return cls(unpruned, pruning_means(table), pruning_comparison(table), layer_means(table))


def write_pruning(config: Config, paths: Paths, figure: str) -> None:
    """Read the table of the experiment, write the tables of the page and the page.

    Args:
        config: the resolved configuration.
        paths: where the project keeps its files.
        figure: name of the figure.

    Raises:
        StoreError: if the table is missing or unreadable.
    """
    settings = config.figures[figure]
    assert settings.kind == "pruning"
    run = settings.run
    tables = PruningTables.of(read_pruning(paths.experiment(run, settings.experiment)))
    files = {
        "means": write_table(tables.means, paths.table(figure, "means")),
        "comparison": write_table(tables.comparison, paths.table(figure, "comparison")),
        "layers": write_table(tables.layers, paths.table(figure, "layers", "parquet")),
    }
    page = pruning_page(figure, run, tables, files, pages_of_run(config, run))
    write_page(page, paths.figure(figure))


def pruning_page(
    figure: str, run: str, tables: PruningTables, files: Files, pages: Mapping[str, str]
) -> Page:
    """Put the page together.

    Args:
        figure: name of the figure.
        run: name of the run.
        tables: all numbers.
        files: the files that the tables were written to, by name.
        pages: the pages of the same run.
    """
    cases = product(QUOTAS, ("coarse", "fine"))
    return Page(
        name=figure,
        title="Pruning by influence",
        subtitle=f"Run “{run}”",
        lead=(
            '<p class="lead">A parameter through which the training data moved the outputs a lot '
            "should matter; one through which they did not should be removable. Here the "
            "parameters of smallest score are set to zero, without any further training, and what "
            "is left is tested on validation samples that the score has not seen.</p>"
        ),
        facts=_facts(tables),
        panels=(
            _answer_panel(tables, files),
            *(_metric_panel(tables, files, quota, grid) for quota, grid in cases),
            _layer_panel(tables, files),
        ),
        pages=pages,
    )


def _facts(tables: PruningTables) -> tuple[Fact, ...]:
    seeds = len(tables.unpruned)
    detail = f"unpruned, mean of {seeds} divisions"
    return (
        Fact("Accuracy", percent(float(tables.unpruned["accuracy"].mean())), detail),
        Fact("Divisions", str(seeds), "of the validation samples, to score and to test"),
        Fact("Methods", str(tables.means["method"].nunique()), "and two ways to count"),
        Fact(
            "Smallest share kept",
            percent(float(tables.means["kept"].min())),
            "of all parameters, spared layers included",
        ),
    )


def _answer_panel(tables: PruningTables, files: Files) -> Panel:
    return Panel(
        title="Is pruning by influence comparable to other methods?",
        caption=answer_html(tables.comparison, len(tables.unpruned)),
        extra=table_html(comparison_rows(tables.comparison)),
        tables=(files["comparison"],),
    )


def _metric_panel(tables: PruningTables, files: Files, quota: str, grid: str) -> Panel:
    rows = tables.means[(tables.means["quota"] == quota) & (tables.means["grid"] == grid)]
    low, high = (percent(float(share)) for share in (rows["keep"].min(), rows["keep"].max()))
    return Panel(
        title=f"{'All layers together' if quota == 'global' else 'Layer by layer'}, {grid} grid",
        caption=(
            f"{QUOTAS[quota]} Between {low} and {high} of the prunable parameters are kept. Mean "
            "over the divisions with 95 % intervals (Student's t) in both directions. "
            "<em>Influence</em>: sum over samples and outputs of |influence of the whole "
            "training|; <em>influence per step</em>: the same of every step, so that nothing "
            "cancels over time; <em>magnitude</em>: absolute value; <em>Taylor</em>: first-order "
            "change of the loss, as in SNIP. Dotted: the unpruned network."
        ),
        plots=tuple(
            Plot(
                f"{quota}-{grid}-{metric}",
                metric_figure(rows, metric, float(tables.unpruned[metric].mean())),
                HEADINGS[metric],
            )
            for metric in METRICS
        ),
        tables=(files["means"],),
    )


def _layer_panel(tables: PruningTables, files: Files) -> Panel:
    layers = tables.layers[
        (tables.layers["quota"] == "global") & (tables.layers["grid"] == "coarse")
    ]
    return Panel(
        title="Where are the zeros?",
        caption=(
            "Share of zeros in each parameter tensor, all layers together, coarse grid; mean over "
            "the divisions with 95 % intervals. A line far above the others is a layer that the "
            "score holds for dispensable."
        ),
        plots=tuple(
            Plot(f"zeros-{k}", zeros_figure(rows), str(method).capitalize())
            for k, (method, rows) in enumerate(layers.groupby("method", sort=False))
        ),
        tables=(files["layers"],),
    )
