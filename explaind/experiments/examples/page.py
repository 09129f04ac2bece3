"""Pages of kind `examples`: the training images that helped and harmed single answers most."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from explaind.config import Config
from explaind.config.figures import ExamplesFigure
from explaind.config.stages import pages_of_run
from explaind.errors import ConfigError
from explaind.experiments.examples.images import Images
from explaind.experiments.examples.tables import SIDES, example_table, has_examples
from explaind.paths import Paths
from explaind.report.page import Fact, Page, Panel, keep_html, write_page, write_table
from explaind.report.picture import picture_html
from explaind.report.tables.classes import ALL_COMPONENTS
from explaind.report.tables.outputs import output_unit
from explaind.report.tables.run import RunStores, open_run
from explaind.report.text import signed

SIDE_NAMES = {"helpful": "pushed it up most", "harmful": "pushed it down most"}


@dataclass(frozen=True)
class ExampleImages:
    """The pictures and labels of a page.

    Attributes:
        train: training images by row.
        validation: validation images by row.
        train_labels: class of every training row.
        validation_labels: class of every validation row.
        answers: class that the network answers, of every validation row.
        class_names: name of each class.
    """

    train: Mapping[int, np.ndarray]
    validation: Mapping[int, np.ndarray]
    train_labels: list[str]
    validation_labels: list[str]
    answers: list[str]
    class_names: list[str]


def write_examples(config: Config, paths: Paths, figure: str) -> None:
    """Read the stores of the run and its dataset, write the table of the page and the page.

    Args:
        config: the resolved configuration.
        paths: where the project keeps its files.
        figure: name of the figure.

    Raises:
        StoreError: if a store is missing or incomplete, or the dataset holds no images.
        ConfigError: if a sample is not among the explained ones.
    """
    settings = config.figures[figure]
    assert isinstance(settings, ExamplesFigure)
    run, stores = settings.run, open_run(paths, settings.run)
    pages = pages_of_run(config, run)
    if not has_examples(stores.influence):
        panel = Panel("Which training images mattered?", extra=keep_html(run, "top"))
        table = pd.DataFrame({"sample": []})
        page = _page(figure, run, (), (panel,), pages)
    else:
        _check_samples(figure, settings, stores.influence.sizes["test"])
        table = example_table(stores.influence, settings.samples, settings.shown)
        images = example_images(Images(paths.dataset(config.runs[run].dataset)), stores, table)
        file, unit = paths.table(figure, "strongest"), output_unit(stores.influence)
        by_layer = has_examples(stores.influence, by_component=True)
        missing = "" if by_layer else keep_html(run, "top_component")
        panels = tuple(
            sample_panel(rows, images, unit, file, missing)
            for _, rows in table.groupby("sample", sort=False)
        )
        page = _page(figure, run, _facts(table), panels, pages)
    write_table(table, paths.table(figure, "strongest"))
    write_page(page, paths.figure(figure))


def example_images(images: Images, stores: RunStores, table: pd.DataFrame) -> ExampleImages:
    """Read the images that a table names, and what the network answers."""
    answers = stores.validation["true"].transpose("test", "class").to_numpy().argmax(1)
    return ExampleImages(
        train=images.pictures("train", table["train"]),
        validation=images.pictures("validation", table["sample"]),
        train_labels=images.labels("train"),
        validation_labels=images.labels("validation"),
        answers=[images.class_names[answer] for answer in answers],
        class_names=images.class_names,
    )


def sample_panel(
    rows: pd.DataFrame, images: ExampleImages, unit: str, file: Path, missing: str
) -> Panel:
    """The strongest training images of one validation image.

    Args:
        rows: its rows of `example_table`.
        images: the pictures.
        unit: unit of the influence.
        file: the file with the table.
        missing: HTML in place of what the run did not keep by layer.
    """
    sample = int(rows["sample"].iloc[0])
    label, answer = images.validation_labels[sample], images.answers[sample]
    total = rows[rows["component"] == ALL_COMPONENTS]
    layers = rows[rows["component"] != ALL_COMPONENTS]
    strips = "".join(
        _strip_html(f"{_output_name(str(output), images.class_names)}", found, images, unit)
        for output, found in total.groupby("output", sort=False)
    )
    by_layer = "".join(
        _strip_html(
            f"{_output_name(str(output), images.class_names)}, through {component}",
            found,
            images,
            unit,
        )
        for (output, component), found in layers.groupby(["output", "component"], sort=False)
    )
    shown = picture_html(images.validation[sample], f"validation image {sample}", f"class {label}")
    return Panel(
        title=f"Validation image {sample}: {label}, answered {answer}",
        caption=(
            "The training images of largest and smallest influence on each output of the network "
            "for this image, summed over the whole training, with their class and influence in "
            f"{escape(unit)}; positive = pushed the output up."
        ),
        extra=(
            f'<div class="example">{shown}<div>{strips}</div></div>'
            f"<details><summary>By layer</summary>{by_layer or missing}</details>"
        ),
        tables=(file,),
    )


def _strip_html(name: str, rows: pd.DataFrame, images: ExampleImages, unit: str) -> str:
    """Both ends of one ranking, side by side."""
    sides = []
    for side in SIDES:
        pictures = "".join(
            picture_html(
                images.train[row["train"]],
                f"training image {row['train']}",
                images.train_labels[row["train"]],
                signed(row["influence"], 2),
            )
            for row in rows[rows["side"] == side].to_dict("records")
        )
        sides.append(
            f'<div><h4>{SIDE_NAMES[side]} ({escape(unit)})</h4><div class="pictures">{pictures}'
            "</div></div>"
        )
    return f'<h3>{escape(name)}</h3><div class="strip">{"".join(sides)}</div>'


def _output_name(output: str, class_names: list[str]) -> str:
    """What an output is called: after its class if there is one output for each."""
    if output.isdigit():
        return f"Output for class {class_names[int(output)]}"
    return "Log-probability of the true class" if output == "target_logprob" else output


def _page(
    figure: str,
    run: str,
    facts: tuple[Fact, ...],
    panels: tuple[Panel, ...],
    pages: Mapping[str, str],
) -> Page:
    return Page(
        name=figure,
        title="Which training images mattered?",
        subtitle=f"Run “{run}”",
        lead=(
            '<p class="lead">The path kernel credits every output to single training images. For '
            "some validation images this page shows the training images that pushed an output up "
            "most and those that pushed it down most: in total and through each layer.</p>"
        ),
        facts=facts,
        panels=panels,
        pages=pages,
    )


def _facts(table: pd.DataFrame) -> tuple[Fact, ...]:
    return (
        Fact("Validation images", str(table["sample"].nunique()), "shown"),
        Fact("Training images", str(table["train"].nunique()), "among the strongest of any"),
        Fact("Outputs", str(table["output"].nunique()), "explained of each"),
    )


def _check_samples(figure: str, settings: ExamplesFigure, explained: int) -> None:
    if max(settings.samples) >= explained:
        raise ConfigError(
            f"figures.{figure}.samples: expected numbers below {explained}, the number of explained"
            f" samples, got {max(settings.samples)}; lower it"
        )
