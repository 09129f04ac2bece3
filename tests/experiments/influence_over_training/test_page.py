"""The page on influence over training: boundaries in words, and what was not kept."""

import pytest

from explaind.paths import Paths
from tests.report.synthetic import SyntheticRun, write_pages


def page(root, **case):
    write_pages(Paths(root), SyntheticRun(p=5, **case), ["influence_over_training"])
    return Paths(root).figure("influence_over_training").read_text()


def test_crossings_are_facts_and_a_table(tmp_path):
    html = page(tmp_path)
    # data 1 1 5 3 1 1 in six intervals of 10 steps; of single parameters 3 times that against 5
    assert "<dt>Larger from step 20</dt><dd>Training data</dd>" in html
    assert "<dt>Larger from step 40</dt><dd>Regularisation</dd>" in html
    assert "regularisation larger from, by D(Θ)" in html
    assert html.count("data-shown-for=") == 2  # a table for each explained output


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
