"""The map panels of the grokking page: which training on which validation samples."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

from explaind.experiments.grokking.tables import GrokkingTables
from explaind.report.page import Panel, Plot, keep_html, missing_html
from explaind.report.plots import heatmap

CLASS_NAME = "(a + b) mod p"

Files = Mapping[str, Path]


def class_panel(run: str, tables: GrokkingTables, files: Files) -> Panel:
    """Influence by class, for a chosen component and training interval."""
    maps = heatmap.coarsen_intervals(tables.maps)
    components = [str(name) for name in maps["component"].to_numpy()]
    absent = [dim for dim in ("component", "interval") if maps.sizes[dim] == 1]
    return Panel(
        letter="e",
        title="Which training sums influence which validation sums?",
        caption=(
            f"Mean influence of a training sample (column) on {escape(tables.output)} of a "
            f"validation sample (row), both grouped by their result {CLASS_NAME}. Red = the "
            "training sample pushed the output up, blue = pushed it down; the colour scale is "
            "symmetric about 0, the strongest 3 % of all cells have its end colours, and grey "
            "means that there is no such pair. Right: the map averaged along its diagonals; 0 is "
            "the same result."
        ),
        controls=_controls(maps.sizes["interval"], components)
        + "".join(keep_html(run, dim) for dim in absent),
        plots=(
            Plot(
                "class-map",
                heatmap.class_map_figure(maps, CLASS_NAME, tables.unit),
                "Training on validation samples",
            ),
            Plot(
                "class-profile",
                heatmap.profile_figure(maps, CLASS_NAME, tables.unit),
                "Averaged along the diagonals",
            ),
        ),
        extra=(
            '<script type="application/json" '
            f'id="class-maps">{heatmap.class_map_data(maps)}</script>'
        ),
        tables=(files["class_maps"],),
    )


def sample_panel(tables: GrokkingTables, files: Files) -> Panel:
    """Influence by single samples, whole run."""
    title = "The same, sample by sample"
    if tables.samples is None:
        pairs = len(tables.closure) * tables.train_samples
        message = (
            f"{pairs:,} pairs of samples are too many for a page (limit "
            f"{heatmap.MAX_SAMPLE_PAIRS:,}). They are in the array <code>influence</code> of the "
            "run's <code>influence.zarr</code>."
        )
        return Panel(title, missing_html(message))
    return Panel(
        title=title,
        caption=(
            "Total influence over the whole run and all components of every single training "
            "sample (column) on every single validation sample (row), both sorted by "
            f"{CLASS_NAME}; red = pushed the output up, blue = down. Zoom in by dragging, "
            "double-click to return."
        ),
        plots=(
            Plot(
                "sample-map",
                heatmap.sample_map_figure(tables.samples, CLASS_NAME, tables.unit),
                "Every pair of samples",
            ),
        ),
        tables=(files["sample_map"],),
    )


def _controls(intervals: int, components: list[str]) -> str:
    options = "".join(f"<option>{escape(name)}</option>" for name in components)
    disabled = "" if intervals > 1 else "disabled"
    return f"""<div class="controls">
<label>Component <select id="map-component">{options}</select></label>
<label>Training interval
<input type="range" id="map-interval" min="0" max="{intervals - 1}" value="0" step="1" {disabled}>
</label>
<output id="map-interval-label">whole run</output>
<button type="button" id="map-play" {disabled}>▶ Play</button>
<label><input type="checkbox" id="map-common-scale" {disabled}>
same colours for all intervals</label>
</div>
"""
