"""Pages of kind `maps`: every sample as a point, by UMAP and by PCA."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explaind.experiments.maps.tables import MapsTables
from explaind.experiments.similarity.cosines import FUNCTIONALS
from explaind.report.choices import Choice, controls, show_first
from explaind.report.html import render
from explaind.report.page import About, Fact, Page, Panel, Plot
from explaind.report.plots.theme import MUTED, new_figure
from explaind.report.text import percent

WRAPS = {0: ("a + b < p", "circle"), 1: ("a + b ≥ p", "diamond")}
SPLITS = {"validation": ("validation", "circle"), "training": ("training", "diamond")}
"""What the symbols tell apart, and how."""


def draw(tables: MapsTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: all numbers.
        about: what the page is about.

    Returns:
        The page.
    """
    points = tables.points
    choices = (_choice(points, "functional"), _choice(points, "component"))
    methods = {"UMAP": "umap", "PCA": "pca"}
    return Page(
        about,
        lead=(
            "Every sample is a point. Its place is worked out from its parameter-wise influence, "
            "what the whole training did to its output through every single parameter, by the "
            "cosines between samples: points are near each other if the same parameters moved "
            "their outputs. A component that computes with the sum shows samples of one result "
            "together, or results in a ring."
        ),
        facts=(
            Fact("Samples", f"{points['sample'].nunique():,}", "validation and training samples"),
            Fact("Neighbours", str(tables.neighbours), "of each sample that UMAP looks at"),
        ),
        panels=(
            Panel(
                title="Where samples lie",
                caption=(
                    "Left: UMAP of the cosine distances, which keeps neighbours together; "
                    "distances between far points mean little. Right: the first three principal "
                    "components of the same vectors, which keep lengths and large distances. "
                    f"Colour = {_class_name(points)}, symbol = {_symbol_name(points)}. Turn a map "
                    "by dragging, point at a sample for its name; axes have no unit of their own."
                ),
                controls=controls(*choices),
                plots=[
                    Plot(name, map_figure(points[points["method"] == method], choices), method)
                    for method, name in methods.items()
                ],
                extra=render(
                    "columns.html",
                    caption="Share of the variance that the three principal components have.",
                    label="Variance of the principal components",
                    titles=["Component", *FUNCTIONALS.values()],
                    rows=share_rows(points),
                ),
                tables=(about.files["points"],),
            ),
        ),
    )


def map_figure(points: pd.DataFrame, choices: tuple[Choice, ...]) -> go.Figure:
    """Draw the points of one method.

    Args:
        points: its rows of the table of the page.
        choices: the choices of the panel, named like columns of the table.

    Returns:
        The figure.
    """
    figure, names = new_figure(560), [choice.name for choice in choices]
    key, symbols = ("wraps", WRAPS) if "wraps" in points else ("split", SPLITS)
    classes = points["class"].max()
    for values, chosen in points.groupby(names, sort=False):
        for label, (name, symbol) in symbols.items():
            rows = chosen[chosen[key] == label]
            figure.add_scatter3d(
                **{axis: rows[axis].to_numpy(dtype=np.float32) for axis in "xyz"},
                mode="markers",
                name=name,
                marker={
                    "size": 4,
                    "symbol": symbol,
                    "color": rows["class"].to_numpy(),
                    "colorscale": "HSV",  # cyclic, as are results modulo p
                    "cmin": 0,
                    "cmax": int(classes),
                    "colorbar": {
                        "title": {"text": _class_name(points), "side": "top"},
                        "orientation": "h",
                        "y": 0,
                        "yanchor": "top",
                        "len": 0.8,
                        "thickness": 12,
                    },
                    "showscale": label == next(iter(symbols)),
                },
                text=(rows["name"] + ", " + rows["split"]).to_numpy(),
                hovertemplate="%{text}<extra></extra>",
                meta=dict(zip(names, values, strict=True)),
            )
    axes = {
        f"{axis}axis": {
            "title": {"text": f"{points['method'].iloc[0]} {number}"},
            "color": MUTED,
            "nticks": 4,
        }
        for number, axis in enumerate("xyz", 1)
    }
    scene = {**axes, "aspectmode": "cube", "camera": {"eye": {"x": 1.6, "y": 1.6, "z": 1.1}}}
    figure.update_layout(scene=scene, margin={"l": 0, "r": 0, "b": 70}, hovermode="closest")
    figure.update_legends(itemsizing="constant")
    show_first(figure, choices, {})
    return figure


def share_rows(points: pd.DataFrame) -> list[list[str]]:
    """Return rows with the variance of the principal components, by component and functional."""
    shares = points.dropna(subset="share").groupby(["component", "functional"], sort=False)["share"]
    found = shares.first()
    return [
        [str(component), *(percent(round(found[component, key], 3)) for key in FUNCTIONALS)]
        for component in points["component"].unique()
    ]


def _choice(points: pd.DataFrame, name: str) -> Choice:
    if name == "functional":
        return Choice(name, "Explained output", FUNCTIONALS)
    return Choice(name, "Component", {value: value for value in points["component"].unique()})


def _class_name(points: pd.DataFrame) -> str:
    return "(a + b) mod p" if "wraps" in points else "class"


def _symbol_name(points: pd.DataFrame) -> str:
    return "whether the sum is p or more" if "wraps" in points else "split"
