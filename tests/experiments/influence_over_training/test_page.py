"""The page on influence over training: boundaries in words, and what was not kept."""

import pytest

from explaind.paths import Paths
from tests.report.synthetic import SyntheticRun, write_pages


def page(root, **case):
    write_pages(Paths(root), SyntheticRun(p=5, **case))
    return Paths(root).figure("influence_over_training").read_text()


def test_crossings_are_facts_and_a_table(tmp_path):
    html = page(tmp_path)
    # data 1 4 5 3 2 1 against 2 and, of single parameters, 3 times that against 5
    assert "Larger from step 10" in html
    assert "Regularisation larger from, by D(Θ)" in html.replace("regularisation", "Regularisation")
    assert html.count("data-shown-for") == 2  # a table for each explained output


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (("influence", "absolute"), ["<code>step_component</code>"]),
        (("influence", "step_component"), ["<code>absolute</code>"]),
        (("influence",), ["<code>absolute</code> and <code>step_component</code>"]),
    ],
)
def test_what_was_not_kept_is_named(tmp_path, keep, expected):
    html = page(tmp_path, keep=keep)
    for text in expected:
        assert text in html
    assert ('id="steps"' in html) == (len(keep) > 1)
    assert 'id="difference"' in html
