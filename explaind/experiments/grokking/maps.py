"""The map panels of the grokking page: which training on which validation samples."""

from markupsafe import Markup

from explaind.experiments.grokking.tables import GrokkingTables
from explaind.report.html import not_kept, render
from explaind.report.page import About, Files, Panel, Plot
from explaind.report.plots import heatmap
from explaind.report.text import percent, words

CLASS_NAME = "(a + b) mod p"


def class_panel(tables: GrokkingTables, about: About) -> Panel:
    """Return the influence by class, for a chosen component and training interval."""
    explained, maps = tables.explained, heatmap.coarsen_intervals(tables.maps)
    whole = maps.isel(interval=0, component=0).to_numpy()
    saturated = heatmap.saturated_share(whole, heatmap.robust_limit(whole))
    controls = render(
        "class_maps.html",
        components=[str(name) for name in maps["component"].to_numpy()],
        intervals=maps.sizes["interval"],
        saturated=percent(saturated),
        data=heatmap.class_map_data(maps),
    )
    absent = [dim for dim in ("component", "interval") if maps.sizes[dim] == 1]
    return Panel(
        letter="c",
        title="Which training pairs influence which validation pairs?",
        caption=Markup(
            "Mean influence of a training pair (column) on {} of a validation pair (row), both "
            "grouped by their result {}. Red = the training pair pushed the output up, blue = "
            "pushed it down, at the ends of the colour scale this much or more, and grey means "
            "that there is no such pair. Right: the map averaged along its diagonals; 0 is the "
            "same result. A training interval, whose influence is credited to the {}, is shaded in "
            'the <a href="#loss">plots over training steps above</a>.'
        ).format(explained.output, CLASS_NAME, words(explained.credit)),
        controls=controls + Markup().join(not_kept(about.run, dim) for dim in absent),
        plots=(
            Plot(
                "class-map",
                heatmap.class_map_figure(maps, CLASS_NAME, explained.unit),
                "Training on validation pairs",
            ),
            Plot(
                "class-profile",
                heatmap.profile_figure(maps, explained.unit),
                "Averaged along the diagonals",
            ),
        ),
        tables=(about.files["class_maps"],),
    )


def sample_panel(tables: GrokkingTables, files: Files) -> Panel:
    """Return the influence by single samples, whole run."""
    title = "The same, sample by sample"
    if tables.samples is None:
        pairs = len(tables.explained.completeness) * tables.train_samples
        message = Markup(
            "{:,} pairs of samples are too many for a page (limit {:,}). They are in the array "
            "<code>influence</code> of the run's <code>influence.zarr</code>."
        ).format(pairs, heatmap.MAX_SAMPLE_PAIRS)
        return Panel(title, extra=render("missing.html", message=message))
    values = tables.samples.to_numpy()
    saturated = percent(heatmap.saturated_share(values, heatmap.robust_limit(values)))
    return Panel(
        title=title,
        caption=(
            "Total influence over the whole run and all components of every single training "
            "sample (column) on every single validation sample (row), both sorted by "
            f"{CLASS_NAME}; red = pushed the output up, blue = down, and {saturated} of the cells "
            "are stronger than the end colours. Point at a cell for its two sums. Zoom in by "
            "dragging, double-click to return."
        ),
        plots=(
            Plot(
                "sample-map",
                heatmap.sample_map_figure(tables.samples, CLASS_NAME, tables.explained.unit),
                "Every pair of samples",
            ),
        ),
        tables=(files["sample_map"],),
    )
