"""A run at a glance: the curves of its training as a small inline SVG, for the index page."""

import numpy as np
import pandas as pd
from jaxtyping import Float
from markupsafe import Markup

from explaind.report.html import render
from explaind.report.plots.theme import TRAIN, VALIDATION, thin
from explaind.report.tables.metrics import has_accuracy

WIDTH, HEIGHT, MARGIN = 240, 90, 4
POINTS = 120
SPLITS = {"train": (TRAIN, ""), "validation": (VALIDATION, "5 2")}
"""Colour and dashes of each split."""


def thumbnail(metrics: pd.DataFrame) -> Markup:
    """Draw how a run learned: accuracy, or the logarithm of the loss where there is none.

    Args:
        metrics: the metrics table, one row per step.

    Returns:
        The figure, with a text that says what it shows.
    """
    quantity = "accuracy" if has_accuracy(metrics) else "loss"
    rows = thin(metrics, POINTS)
    curves = {split: rows[f"{split}_{quantity}"].to_numpy(dtype=np.float64) for split in SPLITS}
    if quantity == "loss":
        curves = {
            split: np.log(np.where(values > 0, values, np.nan)) for split, values in curves.items()
        }
        finite = np.concatenate([values[np.isfinite(values)] for values in curves.values()])
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    else:
        low, high = 0.0, 1.0
    steps = rows["step"].to_numpy(dtype=np.float64)
    lines = [
        (split, *SPLITS[split], _points(steps, values, low, high))
        for split, values in curves.items()
    ]
    size = {"width": WIDTH, "height": HEIGHT, "margin": MARGIN}
    last = int(metrics["step"].iloc[-1])
    return render("thumbnail.html", quantity=quantity, lines=lines, last=last, **size)


def _points(
    x: Float[np.ndarray, " point"], y: Float[np.ndarray, " point"], low: float, high: float
) -> str:
    """Coordinates of a polyline in pixels; values that are not finite are left out."""
    known = np.isfinite(y)
    right, top = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    across = MARGIN + right * x / max(x[-1], 1.0)
    down = MARGIN + top * (1 - (y - low) / ((high - low) or 1.0))
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across[known], down[known], strict=True))
