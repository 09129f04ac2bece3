"""The page on retrained networks, from a table made by hand."""

import re

import pytest

from explaind.experiments.retrain.page import draw
from explaind.experiments.retrain.tables import (
    RetrainTables,
    mean_curves,
    steps_by_case,
    steps_of_trainings,
)
from explaind.paths import Paths
from explaind.report.html import render
from explaind.report.page import About
from explaind.report.tables.phases import Phases
from tests.experiments.retrain.measured import TAKEN, retrain_table


def page_of(table, phases=Phases()):  # noqa: B008 - frozen
    trainings = steps_of_trainings(table, 1.0)
    steps = steps_by_case(trainings)
    tables = RetrainTables(mean_curves(table), trainings, steps, 1.0, None, phases, 100)
    files = {name: Paths().table("retrain", name) for name in tables.files()}
    return draw(tables, About("retrain", "Retraining", "grokking", files))


@pytest.fixture(scope="module")
def html():
    return render("page.html", page=page_of(retrain_table()), pages={})


def test_page_has_two_plots_and_explains_every_panel(html):
    assert re.findall(r'<div id="([\w-]+)" class="plotly', html) == [
        "retrain-steps",
        "retrain-curves",
    ]
    assert re.findall(r'<select data-choice="(\w+)">', html) == ["source", "split"]
    for section in html.split("<section id=")[1:]:
        assert len(re.search(r'class="caption">(.*?)</p>', section, re.S).group(1)) > 60
        assert 'href="tables/' in section


@pytest.mark.parametrize(("phases", "said"), [(Phases(), False), (Phases(20, 80), True)])
def test_bands_are_explained_where_there_are_some(phases, said):
    caption = page_of(retrain_table(), phases).panels[0].caption
    assert ("bands are its phases" in caption) == said


def test_facts_are_about_the_last_source():
    facts = {fact.label: (fact.value, fact.detail) for fact in page_of(retrain_table()).facts}
    assert facts == {
        f"With {TAKEN} of step 100": ("15", "steps; 3 of 3 trainings"),
        "With c of step 100": ("more than 40", "steps; 1 of 3 trainings"),
        "The run itself": ("not reached", "first step with the same accuracy"),
    }


def test_the_table_says_how_much_is_known(html):
    rows = re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>")[1].split("</tbody>")[0], re.S)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    assert cells[0] == [TAKEN, "50", "1 of 3 trainings", "more than 40", "30 to more than 40"]
    assert cells[-1] == ["nothing", "", "0 of 3 trainings", "more than 40", "more than 40"]
    assert "with a probability of 75 %" in html  # 1 - 2 / 2^3


def test_networks_of_random_numbers_alone_have_a_page_as_well():
    table = retrain_table()
    page = page_of(table[table["transplanted"] == "nothing"])
    assert [fact.label for fact in page.facts] == ["The run itself"]
    assert "plotly" in render("page.html", page=page, pages={})
