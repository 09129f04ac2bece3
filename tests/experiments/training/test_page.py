"""The page on how a network learned: what it shows of which run."""

from dataclasses import replace

import pytest

from explaind.experiments.drawing import sources_of
from explaind.experiments.training.page import draw
from explaind.experiments.training.tables import read
from explaind.paths import Paths
from explaind.report.html import render
from explaind.report.page import About
from tests.report.synthetic import SyntheticRun, write_pages


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return tables_of(tmp_path_factory.mktemp("project"), steps=400)


def tables_of(root, **case):
    config = write_pages(Paths(root), SyntheticRun(p=3, intervals=2, **case), ["training"])
    return read(sources_of(config, Paths(root), "training"), config.experiments["training"])


def page_of(tables):
    files = {name: Paths().table("training", name) for name in tables.files()}
    return draw(tables, About("training", "How it learned", "grokking", files))


def plots(page):
    return [plot.id for panel in page.panels for plot in panel.plots]


def body(page):
    html = render("page.html", page=page, pages={})
    return html[html.index("<body>") :]


def test_page_shows_every_metric_and_part(tables):
    page = page_of(tables)
    assert plots(page) == [
        *("loss", "accuracy", "decomposition-step", "decomposition-cumulative"),
        *("component-absolute", "component-net", "cancellation", "cancellation-interval"),
        *("norm", "component-norm", "learning-rate", "weight-decay"),
    ]
    assert page.panels[0].title == "Loss and accuracy"
    assert [fact.label for fact in page.facts] == [
        *("Training steps", "Memorised at step", "Generalised at step"),
        *("Final validation accuracy", "Final training loss", "Final validation loss"),
    ]
    assert page.facts[-1].value.endswith(" nat")
    assert page.facts[-1].detail == "per sample"


def test_a_run_without_accuracy_has_no_phases(tables):
    metrics = tables.metrics.drop(columns=["train_accuracy", "validation_accuracy"])
    page = page_of(replace(tables, metrics=metrics))
    assert "accuracy" not in plots(page)
    assert page.panels[0].title == "Loss"
    assert not page.panels[0].plots[0].figure.layout.shapes
    for word in ("Memorised", "Generalised", "accuracy"):
        assert word not in " ".join(fact.label for fact in page.facts)
        assert word not in page.panels[0].caption


def test_a_small_run_on_mini_batches_claims_no_phases(tmp_path):
    text = body(page_of(tables_of(tmp_path, steps=80, mini_batches=True)))
    assert "Memorised" not in text
    assert "memorised" not in text
    assert "of the batch of each step alone" in text
    assert "training (batch)" in text


def test_nothing_is_in_nat_if_the_output_is_not(tables):
    explained = replace(tables.explained, unit="1", output="the logit of the correct class")
    table = tables.metrics.copy()
    table.attrs["units"]["loss"] = "m2"
    text = body(page_of(replace(tables, metrics=table, explained=explained)))
    assert "nat " not in text.replace("coordinat ", "")
    assert "(nat" not in text
    assert "the logit of the correct class" in text
