"""Train-to-validation influence as maps: their look, and maps over classes."""

import base64
from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from explaind.report.plots.theme import (
    DATA,
    DIVERGING,
    MUTED,
    label_axes,
    mark_zero,
    new_figure,
)
from explaind.report.tables.classes import difference_profile
from explaind.report.text import axis_title, measured, signed

MAX_MAP_VALUES = 1_500_000  # numbers of all class maps on a page, 2 bytes each
MISSING = -32768  # marks a pair of classes without samples
WHOLE_AND_ONE = 2  # the whole run and one interval
ROBUST_QUANTILE = 0.97


def class_map_figure(maps: xr.DataArray, class_name: str, unit: str) -> go.Figure:
    """Draw the map over classes for the whole run and all components.

    Args:
        maps: class maps as from `class_maps`.
        class_name: what a class is called on the axes.
        unit: unit of the explained output.

    Returns:
        The figure.
    """
    values = maps.isel(interval=0, component=0).to_numpy()
    title = axis_title("mean influence", unit, "per pair", "+ = raised")
    figure = map_figure(values.astype(np.float32), title)
    figure.update_traces(
        hovertemplate=f"{class_name}: validation %{{y}}, training %{{x}}<br>"
        f"mean influence {measured('%{z:+.3g}', unit)}<extra></extra>"
    )
    label_axes(figure, f"training samples: {class_name}", f"validation samples: {class_name}")
    return figure


def profile_figure(maps: xr.DataArray, unit: str) -> go.Figure:
    """Return the mean of the class map along its diagonals, for the whole run."""
    profile = difference_profile(maps.isel(interval=0, component=0)).to_numpy()
    figure = new_figure(520)
    figure.add_bar(
        x=np.arange(len(profile)),
        y=profile.astype(np.float32),
        marker={"color": DATA},
        hovertemplate=f"difference %{{x}}: {measured('%{y:+.3g}', unit)}<extra></extra>",
    )
    figure.update_layout(hovermode="closest", bargap=0.15)
    x = f"training minus validation (mod {len(profile)})"
    label_axes(figure, x, axis_title("mean influence", unit, "per pair", "+ = raised"))
    mark_zero(figure)
    return figure


def robust_limit(values: np.ndarray) -> float:
    """Return the colour limit of a map, a high quantile of |values|: few outliers saturate."""
    sizes = np.abs(values[np.isfinite(values)])
    if not len(sizes):
        return 1.0
    limit = float(np.quantile(sizes, ROBUST_QUANTILE))
    return limit or float(sizes.max()) or 1.0


def saturated_share(values: np.ndarray, limit: float) -> float:
    """Return the share of the known values that are stronger than the end colours of a map."""
    sizes = np.abs(values[np.isfinite(values)])
    return float((sizes > limit).mean()) if len(sizes) else 0.0


def coarsen_intervals(maps: xr.DataArray, limit: int = MAX_MAP_VALUES) -> xr.DataArray:
    """Add up neighbouring intervals until all maps together have at most `limit` numbers.

    Args:
        maps: class maps as from `class_maps`; the first interval, the whole run, stays.
        limit: largest number of values.

    Returns:
        The maps, with fewer intervals if need be (at least one beside the whole run).
    """
    while maps.size > limit and maps.sizes["interval"] > WHOLE_AND_ONE:
        single = maps.isel(interval=slice(1, None))
        pairs = np.arange(0, single.sizes["interval"], 2)
        merged = np.add.reduceat(single.to_numpy(), pairs, axis=0)
        last = np.minimum(pairs + 1, single.sizes["interval"] - 1)
        halved = single.isel(interval=pairs).copy(data=merged)
        halved = halved.assign_coords(stop=("interval", single["stop"].to_numpy()[last]))
        maps = xr.concat([maps.isel(interval=[0]), halved], dim="interval")
    return maps


def class_map_data(maps: xr.DataArray) -> dict[str, Any]:
    """Pack all class maps for the script of the page, as JSON can hold them.

    Maps are packed as 16-bit integers with one scale per map (error below 2e-5 of its largest
    value).

    Args:
        maps: class maps as from `class_maps`.

    Returns:
        The labels of both controls, the packed maps, their profiles and colour limits.
    """
    flat = maps.to_numpy().reshape(-1, *maps.shape[2:])
    scale = np.array([_largest(values) / 32767 for values in flat])
    limits = np.array([robust_limit(values) for values in flat])
    return {
        "classes": maps.sizes["training_class"],
        "components": [str(name) for name in maps["component"].values],
        "intervals": interval_labels(maps),
        "bounds": [[int(maps[end][k]) for end in ("start", "stop")] for k in range(len(maps))],
        "missing": MISSING,
        "values": _base64(_pack(flat, scale), "<i2"),
        "profiles": _base64(difference_profile(maps).to_numpy(), "<f4"),
        "scale": [float(f"{number:.8g}") for number in scale],
        "limit": [float(f"{number:.4g}") for number in limits],
        "common_limit": [
            float(f"{number:.4g}") for number in _common_limits(limits.reshape(maps.shape[:2]))
        ],
    }


def interval_labels(maps: xr.DataArray) -> list[str]:
    """Return the names of the positions of the interval slider."""
    bounds = zip(maps["start"].to_numpy().tolist(), maps["stop"].to_numpy().tolist(), strict=True)
    return ["whole run" if k == 0 else interval_label(a, b) for k, (a, b) in enumerate(bounds)]


def interval_label(start: int, stop: int) -> str:
    """Return the name of the steps [start, stop)."""
    return f"steps {start} to {stop - 1}"


def map_figure(values: np.ndarray, title: str) -> go.Figure:
    """Draw a map with colours that are symmetric about zero and cut off few outliers.

    Args:
        values: the cells.
        title: title of the colour bar.

    Returns:
        The figure.
    """
    figure = new_figure(520)
    limit = robust_limit(values)
    ticks = [-limit, -limit / 2, 0.0, limit / 2, limit]
    low, *inner, high = (signed(tick, 2) for tick in ticks)
    figure.add_heatmap(
        z=values,
        colorscale=DIVERGING,
        zmin=-limit,
        zmax=limit,
        colorbar={
            "title": {
                "text": title,
                "side": "top",
                "font": {"size": 12.5, "color": MUTED},
            },
            # above the map, so that a narrow page leaves the map its width
            "orientation": "h",
            "y": 1.0,
            "yanchor": "bottom",
            "len": 0.8,
            "tickangle": 0,
            "ticklabeloverflow": "allow",
            "thickness": 12,
            "outlinewidth": 0,
            # the strongest cells are cut off: the page's script keeps to these texts
            "tickvals": ticks,
            "ticktext": [f"≤ {low}", *inner, f"≥ {high}"],
        },
    )
    figure.update_layout(hovermode="closest", margin={"t": 70}, plot_bgcolor="#d9dce2")
    figure.update_xaxes(showgrid=False, constrain="domain")
    figure.update_yaxes(showgrid=False, constrain="domain", autorange="reversed", scaleanchor="x")
    return figure


def _common_limits(limits: np.ndarray) -> np.ndarray:
    """Return the colour limit of each component for all its intervals, not for the whole run."""
    return np.asarray(limits[1:].max(axis=0) if len(limits) > 1 else limits[0])


def _largest(values: np.ndarray) -> float:
    sizes = np.abs(values[np.isfinite(values)])
    return float(sizes.max(initial=0.0)) or 1.0


def _pack(maps: np.ndarray, scale: np.ndarray) -> np.ndarray:
    scaled = np.rint(maps / scale[:, None, None])
    return np.where(np.isfinite(scaled), scaled, MISSING)


def _base64(numbers: np.ndarray, dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers, dtype=dtype).tobytes()).decode("ascii")
