"""Pages of kind `disentanglement`: whether a larger beta parts what units attend to."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.experiments.disentanglement.tables import (
    FALL,
    METRICS,
    DisentanglementTables,
)
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel, Plot
from explaind.report.pictures import importance_picture, picture
from explaind.report.plots.theme import BLUE, VERMILLION, label_axes, new_figure
from explaind.report.text import number, signed

COLOURS = {"beta-VAE": BLUE, "TC-VAE": VERMILLION}
SCOPES = {"all": "all units (as published)", "active": "active units only (corrected)"}
APART = 0.2  # between the points of two losses, so that they do not hide each other


def draw(tables: DisentanglementTables, about: About) -> Page:
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
            "A variational autoencoder represents an image by a few latent units. A larger beta "
            "presses them to be independent. If independent units looked at different things, "
            "their importance maps would have less in common. The claim to test: they do not."
        ),
        facts=_facts(tables),
        panels=(
            _overlap_panel(tables, about),
            _collapse_panel(tables, about),
            *_sheets(tables, about),
        ),
    )


def _limit(tables: DisentanglementTables) -> float:
    """KL divergence, nat, up to which a unit counts as collapsed."""
    return float(tables.store.attrs["limit"])


def _facts(tables: DisentanglementTables) -> tuple[Fact, ...]:
    units, models = tables.units, tables.models
    collapsed = int((~units["active"]).sum())
    alone = models[(models["scope"] == "active") & (models["compared"] < 2)]
    return (
        Fact("Models", str(len(models) // 2), "trained, each by its own seed"),
        Fact(
            "Collapsed units",
            f"{collapsed} of {len(units)}",
            f"a KL divergence of {_limit(tables)} nat or less: the same for any image",
        ),
        Fact("Models with no pair", str(len(alone)), "fewer than two active units to compare"),
    )


def _overlap_panel(tables: DisentanglementTables, about: About) -> Panel:
    models = tables.models
    means = models.groupby(["loss", "beta", "scope"], sort=False)[[*METRICS, "compared"]].mean()
    rows = [
        (
            row["loss"],
            f"{row['beta']:g}",
            SCOPES[row["scope"]],
            *(number(row[name]) for name in (*METRICS, "compared")),
        )
        for _, row in means.reset_index().iterrows()
    ]
    titles = (
        *("Loss", "beta", "Units compared", "Pearson", "Spearman", "Cosine", "Entropy, nat"),
        *("Units above an equal share", "Number of units"),
    )
    effects = [
        (
            row["loss"],
            SCOPES[row["scope"]],
            f"{number(row['pearson_smallest'])} to {number(row['pearson_largest'])}",
            f"{signed(row['difference'])} ({signed(row['low'])} to {signed(row['high'])})",
            signed(row["correlation"]),
            str(row["trainings"]),
            number(row["needed"]),
        )
        for row in tables.effects.to_dict("records")
    ]
    shown = ("pearson", "mean correlation of two maps", ".3f")
    return Panel(
        title="Do units attend to different pixels?",
        caption=(
            "Correlation of the importance maps of two units, over all pixels of all test images, "
            "averaged over the pairs of units; a point is a model. Lower = the units attend to "
            "different pixels. A collapsed unit is noise that is in no image, so its map says "
            "nothing: in the second plot it is left out."
        ),
        plots=[
            Plot(f"pearson-{scope}", _over_beta(models[models["scope"] == scope], *shown), heading)
            for scope, heading in SCOPES.items()
        ],
        extra=render(
            "columns.html",
            caption=(
                "From the smallest beta to the largest, with 95 % intervals over trainings. An "
                f"interval with both 0 and {signed(-FALL)} in it decides nothing; the last column "
                "has how many trainings would, if they scatter like these:"
            ),
            label="Effect of beta",
            titles=(
                *("Loss", "Units compared", "Mean correlation", "Difference (95 % interval)"),
                *("Correlation with beta", "Models", f"Models of each beta to tell {FALL}"),
            ),
            rows=effects,
        )
        + render(
            "columns.html",
            caption="All metrics, mean over the models; n/a where no model has two such units:",
            label="Metrics of maps",
            titles=titles,
            rows=rows,
        ),
        tables=(about.files["models"], about.files["effects"]),
    )


def _over_beta(rows: pd.DataFrame, value: str, title: str, shown: str) -> go.Figure:
    """Return a point per row, in a column for each beta; the columns are evenly spaced.

    Args:
        rows: has the columns `loss` and `beta`.
        value: the column that is drawn.
        title: of the values.
        shown: format of a value when it is pointed at.

    Returns:
        The figure.
    """
    figure, losses = new_figure(), list(rows["loss"].unique())
    betas = sorted(rows["beta"].unique())
    for loss, own in rows.groupby("loss", sort=False):
        offset = APART * (losses.index(loss) - (len(losses) - 1) / 2)
        figure.add_scatter(
            x=[betas.index(beta) + offset for beta in own["beta"]],
            y=own[value],
            mode="markers",
            name=str(loss),
            marker={"color": COLOURS[str(loss)], "size": 8, "opacity": 0.7},
            hovertemplate=f"%{{y:{shown}}}",
        )
    label_axes(figure, "beta", title)
    figure.update_xaxes(
        tickvals=list(range(len(betas))),
        ticktext=[f"{beta:g}" for beta in betas],
        range=[-0.5, len(betas) - 0.5],
    )
    figure.update_layout(hovermode="closest")
    return figure


def _collapse_panel(tables: DisentanglementTables, about: About) -> Panel:
    title = "KL divergence from the prior (nat)"
    figure = _over_beta(tables.units, "kl", title, ".3g")
    figure.add_hline(y=_limit(tables), line={"dash": "dot", "width": 1})
    return Panel(
        title="Which units carry anything?",
        caption=(
            "How much each unit tells of the image: its KL divergence from the prior, mean over "
            f"the test images; a point is a unit. Below the dotted line, at {_limit(tables)} nat, "
            "a unit has collapsed."
        ),
        plots=[Plot("units", figure)],
        tables=(about.files["units"],),
    )


def _sheets(tables: DisentanglementTables, about: About) -> list[Panel]:
    """The maps of the first model of each encoder."""
    store, panels = tables.store, []
    for model in np.flatnonzero(store["replicate"].to_numpy() == 0):
        own = store.isel(model=model)
        name, kl = str(own["encoder"].values), own["kl"].dropna("unit").to_numpy()
        maps = own["maps"].to_numpy()[:, : len(kl)]
        rows = [
            [
                picture(image, f"image {place}"),
                *(
                    importance_picture(
                        units[unit], float(units.max()), f"image {place}, unit {unit}"
                    )
                    for unit in range(len(kl))
                ),
            ]
            for place, (image, units) in enumerate(
                zip(store["images"].to_numpy(), maps, strict=True)
            )
        ]
        panels.append(
            Panel(
                title=f"Maps of {name}",
                caption=(
                    "Importance of every pixel to each unit of one model, without sign; dark = "
                    "large, on one scale for each image."
                ),
                extra=render(
                    "columns.html",
                    caption="",
                    label=f"Maps of {name}",
                    titles=("Image", *(f"Unit {u} ({number(k, 2)} nat)" for u, k in enumerate(kl))),
                    rows=rows,
                ),
                tables=(about.files["units"],),
            )
        )
    return panels
