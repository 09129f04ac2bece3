"""The matrices of the page, packed for its script."""

import base64
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from explaind.experiments.influence_matrices.tables import ORDERS, MatrixTables
from explaind.report.plots.heatmap import interval_label, map_figure, robust_limit
from explaind.report.plots.theme import label_axes
from explaind.report.text import axis_title, measured, words

LEVELS = 127
"""A cell is one byte: the square root of its size, as a share of the largest of its matrix."""


def matrix_figure(tables: MatrixTables) -> go.Figure:
    """Draw the first matrix in the first order; the script of the page draws the others.

    Args:
        tables: all numbers.

    Returns:
        The figure.
    """
    rows, columns = (_sorted(tables.samples[split], ORDERS[0]) for split in ("validation", "train"))
    cells = tables.matrices.isel(sign=0, range=0, component=0).to_numpy()
    ordered = cells[np.ix_(rows["places"], columns["places"])]
    figure = map_figure(ordered, axis_title("influence", tables.unit))
    figure.update_layout(height=640)
    figure.update_traces(
        x=columns["names"],
        y=rows["names"],
        hovertemplate="validation: %{y}<br>training: %{x}<br>"
        f"influence {measured('%{z:+.3g}', tables.unit)}<extra></extra>",
    )
    label_axes(figure, "training samples", "validation samples")
    figure.update_xaxes(type="category", constrain=None)
    figure.update_yaxes(type="category", scaleanchor=None)
    return figure


def range_labels(matrices: xr.DataArray, single: int, step_credit: str) -> list[str]:
    """Return what the ranges of steps are called.

    Args:
        matrices: the array of `tables.matrices`.
        single: number of single steps, which come last.
        step_credit: what of a single step is shown.

    Returns:
        A name for each.
    """
    ends = (matrices[end].to_numpy().tolist() for end in ("start", "stop"))
    bounds = list(zip(*ends, strict=True))
    several, alone = bounds[1 : len(bounds) - single], bounds[len(bounds) - single :]
    return [
        "whole run",
        *(interval_label(start, stop) for start, stop in several),
        *(f"step {start} alone ({words(step_credit)})" for start, _ in alone),
    ]


def matrix_data(tables: MatrixTables) -> dict[str, Any]:
    """Pack all matrices for the script of the page, as JSON can hold them.

    Args:
        tables: all numbers.

    Returns:
        The matrices, sign by sign, range by range and component by component, as bytes with one
        scale each, and the colour limits; for every order the places of the samples.
    """
    values = tables.matrices.to_numpy()
    flat = values.reshape(-1, *values.shape[-2:])
    largest = np.abs(flat).max((1, 2), initial=0)
    scale = np.where(largest > 0, largest, 1.0)
    levels = np.rint(LEVELS * np.sign(flat) * np.sqrt(np.abs(flat) / scale[:, None, None]))
    return {
        "levels": LEVELS,
        "values": base64.b64encode(levels.astype(np.int8).tobytes()).decode("ascii"),
        "shape": list(values.shape),
        "scale": [float(f"{number:.6g}") for number in scale],
        "limit": [float(f"{robust_limit(matrix):.4g}") for matrix in flat],
        "orders": [
            {split: _sorted(samples, order) for split, samples in tables.samples.items()}
            for order in ORDERS
        ],
    }


def _sorted(samples: pd.DataFrame, order: str) -> dict[str, Any]:
    """Places, names and sort keys of the samples in an order."""
    places = np.argsort(samples[order].to_numpy(), kind="stable")
    ordered = samples.iloc[places]
    return {
        "places": places.tolist(),
        "names": ordered["name"].tolist(),
        "keys": ordered[order].tolist(),
    }
