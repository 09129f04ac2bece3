"""Parts that several pages share."""

from pathlib import Path

import numpy as np
import pytest

from explaind.report.page import About
from explaind.report.panels import CLASSES, cancellation_panel, equation, learning_panel
from explaind.report.tables.cancellation import whole_run
from explaind.report.tables.explained import explained_output
from explaind.report.text import measured, number, signed
from tests.report.synthetic import SyntheticRun, influence_dataset, metrics

ABOUT = About("training", "How it learned", "mine", {"cancellation": Path("mine.csv")})


def explained(unit="nat", **case):
    run, random = SyntheticRun(p=5, intervals=2, **case), np.random.default_rng(0)
    influence = influence_dataset(run, random)
    influence["final_output"].attrs["units"] = unit
    return explained_output(influence, metrics(run, random))


@pytest.mark.parametrize("unit", ["nat", "1"])
def test_the_equation_shows_gross_beside_net(unit):
    found = explained(unit)
    html, rows = equation(found, CLASSES), whole_run(found.cancellation)
    for term in ("initial", "data", "decay", "residual", "final"):
        assert f">{measured(signed(found.completeness[term].mean()), unit)}</div>" in html
    assert f"{signed(rows['net']['same class'])} (same class)" in html
    assert f"{measured(number(rows['gross']['all classes']), unit)} in absolute value" in html
    assert ("nat" in html) == (unit == "nat")


def test_without_single_samples_the_equation_has_no_gross():
    html = equation(explained(keep=("component",)))
    assert "what the training samples did" in html
    assert "absolute value" not in html


def test_the_panel_counts_and_names_the_credit():
    found = explained(credit="application_step")
    panel = cancellation_panel(found, ABOUT)
    assert [plot.id for plot in panel.plots] == ["cancellation", "cancellation-interval"]
    rows = whole_run(found.cancellation)
    assert f"{number(rows['samples']['same class'])} on average" in panel.caption
    assert "credited to the application step" in panel.caption


@pytest.mark.parametrize(
    ("keep", "plots", "missing"),
    [(("influence",), 1, "interval"), (("component",), 0, "influence")],
)
def test_what_was_not_kept_is_named(keep, plots, missing):
    panel = cancellation_panel(explained(keep=keep), ABOUT)
    assert len(panel.plots) == plots
    assert f"<code>{missing}</code>" in panel.extra
    assert "mine.epk" in panel.extra


@pytest.mark.parametrize(
    ("case", "expected", "absent"),
    [
        ({"steps": 400}, "Memorised", "of the batch"),
        ({"steps": 400, "mini_batches": True}, "of the batch", "Memorised"),
        ({"steps": 80}, "validation data are never trained on", "Memorised"),
    ],
)
def test_the_caption_tells_what_was_measured(case, expected, absent):
    table = metrics(SyntheticRun(**case), np.random.default_rng(0))
    caption = learning_panel(table, Path("t.csv")).caption
    assert expected in caption
    assert absent not in caption
