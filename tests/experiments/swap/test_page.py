"""The page on swapped components, from a store made by hand."""

import re

import pytest

from explaind.experiments.component_sets import NONE
from explaind.experiments.swap.page import draw
from explaind.experiments.swap.tables import SwapTables, confusion_counts, swap_curves, swap_gains
from explaind.paths import Paths
from explaind.report.html import render
from explaind.report.page import About
from explaind.report.tables.phases import Phases
from tests.experiments.swap.measured import swap_store


def page_of(store):
    curves = swap_curves(store)
    tables = SwapTables(curves, swap_gains(curves), confusion_counts(store), 3, Phases(20, 120))
    files = {name: Paths().table("swap", name) for name in tables.files()}
    return draw(tables, About("swap", "Swap", "grokking", files))


@pytest.fixture(scope="module")
def html():
    return render("page.html", page=page_of(swap_store()), pages={})


def test_page_has_two_plots_with_choices_and_explains_every_panel(html):
    assert re.findall(r'<div id="([\w-]+)" class="plotly', html) == ["swap-curves", "confusion"]
    chosen = re.findall(r'<select data-choice="(\w+)">', html)
    assert chosen == ["measure", "group", "split", "moment", "swapped"]
    for section in html.split("<section id=")[1:]:
        assert len(re.search(r'class="caption">(.*?)</p>', section, re.S).group(1)) > 60
        assert 'href="tables/' in section


def test_facts_are_about_the_sets_of_the_configuration():
    facts = {fact.label: fact for fact in page_of(swap_store()).facts}
    largest = facts["Largest gain of accuracy"]
    assert largest.value == "+49 points"
    assert largest.detail == "a + b taken from the trained network, step 100"
    assert facts["Generalises first at step"].value == "100"
    assert facts["Untouched"].value == "150"


def test_without_such_sets_they_are_about_all():
    store = swap_store().sel(swapped=[NONE, "a", "all but a"])
    facts = {fact.label: fact for fact in page_of(store).facts}
    assert facts["Largest gain of accuracy"].value == "+100 points"


def test_the_table_has_a_row_for_every_set(html):
    rows = re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>")[1].split("</tbody>")[0], re.S)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    assert [row[0] for row in cells] == ["untouched network", "a + b", "a", "all but a"]
    assert cells[1][1:4] == ["+49 points", "100", "100"]
