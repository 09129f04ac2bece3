"""Pages of kind `similarity`: which samples are influenced through the same parameters."""

import pandas as pd
from markupsafe import Markup

from explaind.experiments.similarity.cosines import FUNCTIONALS, interval_names
from explaind.experiments.similarity.neighbours import FARTHEST, NEAREST
from explaind.experiments.similarity.plots import (
    MAX_SHOWN,
    development_figure,
    map_data,
    map_figure,
    shown_intervals,
)
from explaind.experiments.similarity.samples import OTHERS, SAME_CLASS, VALIDATION
from explaind.experiments.similarity.tables import SimilarityTables
from explaind.report.choices import Choice, controls, shown_for
from explaind.report.html import render
from explaind.report.page import About, Fact, Files, Page, Panel, Plot
from explaind.report.tables.phases import find_phases
from explaind.report.text import number, signed

ENDS = (NEAREST, FARTHEST)
EXAMPLES = 6  # validation samples whose neighbours are listed


def draw(tables: SimilarityTables, about: About) -> Page:
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
            "The path kernel says what the training did to an output of a sample through every "
            "single parameter: one long vector for each sample. Two samples are similar if the "
            "same parameters moved their outputs in the same direction, whatever their inputs are: "
            "the cosine of their vectors is 1. It is 0 if different parameters did, and -1 if the "
            "same parameters did the opposite. What a component has learned to tell apart shows in "
            "which samples are similar in it."
        ),
        facts=_facts(tables),
        panels=(
            _map_panel(tables, about.files),
            _development_panel(tables, about.files),
            _neighbour_panel(tables, about.files),
            _example_panel(tables, about.files),
        ),
    )


def class_name(samples: pd.DataFrame) -> str:
    """Return what a class is called: of modular addition, the result."""
    return "(a + b) mod p" if "sum" in samples else "class"


def _facts(tables: SimilarityTables) -> tuple[Fact, ...]:
    splits = tables.samples["split"].value_counts(sort=False)
    whole = tables.development[
        (tables.development["interval"] == 0)
        & (tables.development["functional"] == next(iter(FUNCTIONALS)))
        & (tables.development["component"] == tables.maps["component"].to_numpy()[0])
        & (tables.development["others"] == VALIDATION)
    ].set_index("group")["cosine"]
    return (
        Fact(
            "Samples compared",
            " + ".join(f"{count:,}" for count in splits),
            " and ".join(f"{split}" for split in splits.index),
        ),
        *(
            Fact(f"Mean cosine, {group}", signed(float(whole[group]), 2), text)
            for group, text in (
                (SAME_CLASS, f"pairs of validation samples of equal {class_name(tables.samples)}"),
                (OTHERS, "pairs with nothing in common"),
            )
            if group in whole
        ),
    )


def _functional_choice() -> Choice:
    return Choice("functional", "Explained output", FUNCTIONALS)


def _component_choice(tables: SimilarityTables) -> Choice:
    names = [str(name) for name in tables.maps["component"].to_numpy()]
    return Choice("component", "Component or tensor", {name: name for name in names})


def _others_choice(tables: SimilarityTables) -> Choice:
    splits = tables.samples["split"].unique()
    return Choice("others", "Compared with", {split: f"{split} samples" for split in splits})


def _map_panel(tables: SimilarityTables, files: Files) -> Panel:
    samples, shown = tables.samples, shown_intervals(tables.maps, tables.samples)
    orders = {"class": class_name(samples)}
    if "sum" in samples:
        orders |= {"sum": "a + b", "a": "a, the larger number", "b": "b, the smaller number"}
    ids = {split: f"cosines-{split}" for split in samples["split"].unique()}
    lists = (
        ("functional", "Explained output", list(FUNCTIONALS.values())),
        ("component", "Component or tensor", list(_component_choice(tables).options)),
        ("order", "Samples sorted by", list(orders.values())),
    )
    left_out = _left_out(tables, shown.sizes["interval"])
    return Panel(
        letter="a",
        title="Which samples are similar?",
        caption=Markup(
            "Cosine between the parameter-wise influence of a validation sample (row) and of "
            "another sample (column): red = the same parameters moved both outputs in the same "
            "direction, blue = in opposite directions. Choose what is explained, a component or "
            "one of its tensors, the steps whose influence counts, and the order of the samples: "
            "what a component tells apart shows as blocks or stripes in one of the orders. {}"
        ).format(left_out),
        controls=render(
            "cosine_maps.html",
            lists=lists,
            intervals=shown.sizes["interval"],
            first=interval_names(shown)[0],
            data=map_data(shown, samples, orders, ids),
        ),
        plots=[
            Plot(name, map_figure(samples, split), f"{split.capitalize()} samples")
            for split, name in ids.items()
        ],
        tables=(files["cosines"],),
    )


def _left_out(tables: SimilarityTables, intervals: int) -> str:
    """Say what of the store the page does not show, if anything."""
    parts = []
    if tables.samples["split"].value_counts().max() > MAX_SHOWN:
        parts.append(f"the first {MAX_SHOWN} samples of a split")
    if intervals < tables.maps.sizes["interval"]:
        parts.append(f"{intervals - 1} of {tables.maps.sizes['interval'] - 1} intervals")
    return f"Shown are {' and '.join(parts)}; the store has all." if parts else ""


def _development_panel(tables: SimilarityTables, files: Files) -> Panel:
    choices = (_functional_choice(), _component_choice(tables), _others_choice(tables))
    last = int(tables.metrics["step"].iloc[-1])
    figure = development_figure(tables.development, choices, find_phases(tables.metrics), last)
    shared = ", with a number in common but another result," if "sum" in tables.samples else ""
    return Panel(
        letter="b",
        title="When did they become similar?",
        caption=(
            "Mean cosine of the influence that the steps of one training interval had, over the "
            "pairs of a validation sample and another one: of the same "
            f"{class_name(tables.samples)}{shared} and the others. A component tells classes apart "
            "from the interval on where the first line leaves the others."
        ),
        controls=controls(*choices),
        plots=(Plot("development", figure),),
        tables=(files["development"],),
    )


def _neighbour_panel(tables: SimilarityTables, files: Files) -> Panel:
    choices, shared = (_functional_choice(), _others_choice(tables)), tables.neighbours
    titles = ["Component or tensor", *_shared_titles(tables)]
    contents = [
        (
            {"functional": str(functional), "others": str(others)},
            render(
                "columns.html",
                caption="",
                label="What neighbours have in common",
                titles=titles,
                rows=_shared_rows(rows),
            ),
        )
        for (functional, others), rows in shared.groupby(["functional", "others"], sort=False)
    ]
    count = number(float(shared["neighbours"].iloc[0]))
    return Panel(
        letter="c",
        title="What do the most similar samples have in common?",
        caption=(
            f"Of the {count} samples that are nearest to a validation sample over the whole run "
            f"(largest cosine, never the sample itself), and of the {count} farthest: how many "
            "have the same result or a number in common with it, on average; in brackets what is "
            "expected if neighbours are drawn at random."
        ),
        controls=controls(*choices),
        extra=shown_for(contents, *choices),
        tables=(files["neighbours"],),
    )


def _shared_titles(tables: SimilarityTables) -> list[str]:
    names = {"class": f"same {class_name(tables.samples)}", "input": "a number in common"}
    kinds = tables.neighbours["shared"].unique()
    return [f"{end.capitalize()}: {names[kind]}" for kind in kinds for end in ENDS]


def _shared_rows(rows: pd.DataFrame) -> list[list[str]]:
    """Rows of the table: a component with the counts of every kind and end."""
    found = rows.set_index(["component", "shared", "end"])
    return [
        [
            str(component),
            *(
                f"{number(found.loc[(component, kind, end), 'count'], 2)} "
                f"({number(found.loc[(component, kind, end), 'expected'], 2)})"
                for kind in rows["shared"].unique()
                for end in ENDS
            ),
        ]
        for component in rows["component"].unique()
    ]


def _example_panel(tables: SimilarityTables, files: Files) -> Panel:
    choices = (_functional_choice(), _component_choice(tables), _others_choice(tables))
    names = tables.samples.loc[tables.samples["split"] == VALIDATION, "name"].head(EXAMPLES)
    chosen = tables.nearest[tables.nearest["name"].isin(names)]
    keys = [choice.name for choice in choices]
    contents = [
        (
            dict(zip(keys, map(str, values), strict=True)),
            render(
                "columns.html",
                caption="",
                label="Neighbours of single samples",
                titles=[
                    "Validation sample",
                    *(f"{end.capitalize()} samples" for end in ENDS),
                ],
                rows=own.droplevel([*keys]).reindex(names, fill_value="").reset_index().to_numpy(),
            ),
        )
        for values, own in _example_cells(chosen, keys).groupby(level=keys, sort=False)
    ]
    return Panel(
        letter="d",
        title="Single samples and their neighbours",
        caption=(
            f"The first {len(names)} validation samples, and the samples most and least similar to "
            "them over the whole run, with the cosine; the strongest first."
        ),
        controls=controls(*choices),
        extra=shown_for(contents, *choices),
        tables=(files["nearest"],),
    )


def _example_cells(nearest: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The strongest neighbours of each sample in words, a column for each end."""
    strongest = nearest.groupby([*keys, "name", "end"], sort=False).head(5)
    cosine = strongest["cosine"].map(lambda value: f" ({signed(value, 2)})")
    words = strongest.assign(words=strongest["other_name"] + cosine)
    cells = words.pivot_table(
        "words", [*keys, "name"], "end", aggfunc="; ".join, fill_value="", sort=False
    )
    return cells[list(ENDS)]
