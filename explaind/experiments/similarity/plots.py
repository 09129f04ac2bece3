"""Plots of the page on similar samples."""

import base64
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from explaind.experiments.similarity.cosines import interval_names
from explaind.experiments.similarity.samples import (
    OTHERS,
    SAME_CLASS,
    SAME_INPUT,
    VALIDATION,
)
from explaind.report.choices import Choice, show_first
from explaind.report.plots.phase_marks import mark_phases
from explaind.report.plots.theme import (
    BLUE,
    DIVERGING,
    MUTED,
    ORANGE,
    label_axes,
    label_step_axes,
    mark_zero,
    new_figure,
)
from explaind.report.tables.phases import Phases

MAX_SHOWN = 96  # samples of a split on the page
MAX_VALUES = 4_500_000  # cosines of all maps on the page: 6 MB as the page holds them
SCALE, MISSING = 127, -128
LINES = {SAME_CLASS: (BLUE, "solid"), SAME_INPUT: (ORANGE, "dash"), OTHERS: (MUTED, "dot")}


def map_figure(samples: pd.DataFrame, split: str) -> go.Figure:
    """Return the map against the samples of a split, which the script of the page fills."""
    rows, columns = (samples["name"].iloc[shown_samples(samples)[s]] for s in (VALIDATION, split))
    figure = new_figure(520)
    figure.add_heatmap(
        z=np.zeros((len(rows), len(columns)), dtype=np.int8),
        x=columns.to_numpy(),
        y=rows.to_numpy(),
        colorscale=DIVERGING,
        zmin=-1,
        zmax=1,
        colorbar={
            "title": {"text": "cosine", "side": "top", "font": {"size": 12.5, "color": MUTED}},
            "orientation": "h",
            "y": 1.0,
            "yanchor": "bottom",
            "len": 0.8,
            "thickness": 12,
            "outlinewidth": 0,
            "tickvals": [-1, -0.5, 0, 0.5, 1],
        },
        hovertemplate=f"validation: %{{y}}<br>{split}: %{{x}}<br>cosine %{{z:.2f}}<extra></extra>",
    )
    figure.update_layout(hovermode="closest", margin={"t": 70}, plot_bgcolor="#d9dce2")
    label_axes(figure, f"{split} samples", "validation samples")
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", showgrid=False, autorange="reversed")
    return figure


def shown_samples(samples: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the samples of each split that the maps show, the first ones of the store."""
    return {
        str(split): np.flatnonzero(samples["split"] == split)[:MAX_SHOWN]
        for split in samples["split"].unique()
    }


def shown_intervals(maps: xr.DataArray, samples: pd.DataFrame) -> xr.DataArray:
    """Leave out intervals until all maps have at most `MAX_VALUES` cosines.

    Args:
        maps: cosines, as of `cosines.cosines`; the first interval, the whole run, stays.
        samples: the table of `sample_table`.

    Returns:
        The cosines of the whole run and of evenly spaced intervals, the last one among them.
    """
    shown = shown_samples(samples)
    rows, columns = len(shown[VALIDATION]), sum(len(places) for places in shown.values())
    most = max(2, MAX_VALUES // (maps[0, ..., 0, 0].size * rows * columns))
    last = maps.sizes["interval"] - 1
    kept = np.unique(np.linspace(1, last, min(most - 1, last)).round().astype(int))
    return maps.isel(interval=np.append(0, kept))


def map_data(
    maps: xr.DataArray, samples: pd.DataFrame, orders: dict[str, str], ids: dict[str, str]
) -> dict[str, Any]:
    """Pack the maps for the script of the page, as JSON can hold them.

    Args:
        maps: the cosines of `shown_intervals`.
        samples: the table of `sample_table`.
        orders: columns of the samples that they can be sorted by, and what these are called.
        ids: the plot of each split.

    Returns:
        The maps, functional by functional, component by component, interval by interval and split
        by split, as 8-bit integers (to 0.004), and the orders of the samples.
    """
    shown = shown_samples(samples)
    rows = shown[VALIDATION]
    order = ("functional", "component", "interval", "sample", "other")
    values = maps.transpose(*order).to_numpy()[..., rows, :]
    packed = [values[..., places].reshape(*values.shape[:3], -1) for places in shown.values()]
    scaled = np.rint(SCALE * np.concatenate(packed, axis=-1))
    numbers = np.where(np.isfinite(scaled), scaled, MISSING).astype(np.int8)
    return {
        "intervals": interval_names(maps),
        "scale": SCALE,
        "missing": MISSING,
        "values": base64.b64encode(numbers.tobytes()).decode("ascii"),
        "plots": [
            {"id": ids[split], "split": split, "rows": len(rows), "columns": len(places)}
            for split, places in shown.items()
        ],
        "orders": [
            {
                "label": label,
                "samples": {
                    split: _sorted(samples.iloc[places], key) for split, places in shown.items()
                },
            }
            for key, label in orders.items()
        ],
    }


def development_figure(
    means: pd.DataFrame, choices: tuple[Choice, ...], phases: Phases, last_step: int
) -> go.Figure:
    """Draw the mean cosines of groups of pairs over the intervals of training.

    Args:
        means: the table of `group_means`.
        choices: the choices of the panel, named like columns of the table.
        phases: the steps to mark.
        last_step: the last step.

    Returns:
        The figure.
    """
    figure = new_figure(400)
    names = [choice.name for choice in choices]
    for key, rows in means[means["interval"] > 0].groupby([*names, "group"], sort=False):
        *values, group = key
        colour, dash = LINES[str(group)]
        figure.add_scatter(
            x=((rows["start"] + rows["stop"] - 1) / 2).to_numpy(),
            y=rows["cosine"].to_numpy(dtype=np.float32),
            customdata=np.stack([rows["start"], rows["stop"] - 1], axis=-1),
            name=f"{group} ({rows['pairs'].iloc[0]:,} pairs)",
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2},
            hovertemplate="%{y:.3f} (steps %{customdata[0]} to %{customdata[1]})",
            meta=dict(zip(names, values, strict=True)),
        )
    label_step_axes(figure, "mean cosine", "application_step", range=[-1.05, 1.05])
    mark_zero(figure)
    mark_phases(figure, phases, last_step)
    show_first(figure, choices, {})
    return figure


def _sorted(samples: pd.DataFrame, key: str) -> dict[str, list[Any]]:
    places = np.argsort(samples[key].to_numpy(), kind="stable")
    ordered = samples.iloc[places]
    return {
        "places": places.tolist(),
        "names": ordered["name"].tolist(),
        "keys": ordered[key].tolist(),
    }
