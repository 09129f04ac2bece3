"""The page on pruning, from a table made by hand."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest

from explaind.config.load import load_config
from explaind.experiments.drawing import draw_page
from explaind.experiments.pruning.plots import metric_figure, zeros_figure
from explaind.experiments.pruning.tables import pruning_comparison, pruning_means
from explaind.experiments.pruning.text import answer, comparison_rows
from explaind.paths import Paths
from tests.workflow.project import REPOSITORY

LEVELS = {
    "influence": 0.5,
    "influence per step": 0.5,
    "magnitude": 0.5,
    "Taylor": 0.5,
    "random": 0.1,
}
SEEDS = (1, 2, 3)


def experiment_table(**levels):
    """Accuracy, agreement and -KL of a method are its level, with noise of 0.01 by seed."""
    random = np.random.default_rng(0)
    rows = [measured(seed, "none", "none", "none", 1.0, 0.9) for seed in SEEDS]
    shares = [("coarse", 0.1), ("coarse", 0.3), ("fine", 0.01), ("fine", 0.03)]
    for seed, (method, level), scope, (grid, keep) in itertools.product(
        SEEDS, (LEVELS | levels).items(), ("global", "layer"), shares
    ):
        noisy = level + 0.01 * random.standard_normal()
        rows.append(measured(seed, method, scope, grid, keep, noisy))
    return pd.DataFrame(rows)


def measured(seed, method, scope, grid, keep, level):
    case = {"seed": seed, "method": method, "scope": scope, "grid": grid, "keep": keep}
    numbers = {"accuracy": level, "agreement": level, "kl": 1 - level, "kept": keep + 0.001 * seed}
    return {**case, **numbers, "zeros_first": 1 - keep, "zeros_<b>": 0.0}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    paths = Paths(root)
    path = paths.experiment("digits", "pruning")
    path.parent.mkdir(parents=True)
    experiment_table().to_parquet(path)
    draw_page(load_config(REPOSITORY / "config" / "config.yaml"), paths, "pruning")
    return root


def test_page_has_both_grids_both_scopes_and_all_metrics(root):
    html = Paths(root).figure("pruning").read_text()
    expected = {
        f"{scope}-{grid}-{metric}"
        for scope in ("global", "layer")
        for grid in ("coarse", "fine")
        for metric in ("accuracy", "agreement", "kl")
    }
    assert expected <= set(re.findall(r'<div id="([\w-]+)" class="plotly', html))
    for section in html.split("<section>")[1:]:
        assert len(re.search(r'class="caption">(.*?)</p>', section, re.S).group(1)) > 60
        assert 'href="tables/' in section
    assert "<b>" not in html.replace("zeros_<b>", "")


def test_tables_are_those_of_the_attribution(root):
    means = pd.read_csv(Paths(root).table("pruning", "means"))
    pd.testing.assert_frame_equal(means, pruning_means(experiment_table()), rtol=1e-6)
    layers = pd.read_parquet(Paths(root).table("pruning", "layers", "parquet"))
    assert set(layers["tensor"]) == {"first", "<b>"}
    assert len(pd.read_csv(Paths(root).table("pruning", "comparison"))) == 2 * 2 * 2 * 3 * 3


def test_lines_have_error_bars_both_ways_over_the_realised_share():
    means = pruning_means(experiment_table())
    rows = means[(means["grid"] == "fine") & (means["scope"] == "layer")]
    figure = metric_figure(rows, "kl", 0.0)
    assert [trace.name for trace in figure.data] == list(LEVELS)
    random = figure.data[-1]
    own = rows[rows["method"] == "random"]
    np.testing.assert_allclose(random.x, [0.012, 0.032])
    np.testing.assert_allclose(random.error_x.array, own["kept_margin"], rtol=1e-6)
    np.testing.assert_allclose(random.y, own["kl"], rtol=1e-6)
    np.testing.assert_allclose(random.error_y.array, own["kl_margin"], rtol=1e-6)


def test_zeros_have_a_line_per_tensor(root):
    layers = pd.read_parquet(Paths(root).table("pruning", "layers", "parquet"))
    rows = layers[
        (layers["method"] == "random")
        & (layers["scope"] == "global")
        & (layers["grid"] == "coarse")
    ]
    figure = zeros_figure(rows)
    assert [trace.name for trace in figure.data] == ["first", "<b>"]
    np.testing.assert_allclose(figure.data[0].y, [0.9, 0.7], rtol=1e-6)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({"influence": 0.9}, "Here it is: it is never worse"),
        ({"influence": 0.2}, "Here it is not: it is never better"),
        ({"magnitude": 0.9, "Taylor": 0.2}, "depends on the grid, the metric and the other method"),
    ],
)
def test_the_answer_follows_from_the_numbers(levels, expected):
    text = answer(pruning_comparison(experiment_table(**levels)), len(SEEDS))
    assert expected in text
    assert "better than random pruning in 6 of 6" in text
    assert '<a href="https://arxiv.org/abs/2505.20076">ExPLAIND paper</a>' in text


def test_the_answer_without_any_difference():
    comparison = pruning_comparison(experiment_table()).assign(verdict="no significant difference")
    text = answer(comparison, len(SEEDS))
    assert "no difference is larger than its uncertainty" in text
    assert "worse in 0 and there is no significant difference in 12" in text


def test_rows_name_both_means():
    comparison = pruning_comparison(experiment_table(influence=0.9))
    rows = comparison_rows(comparison)
    assert len(rows) == 2 * 3 * 3
    name, difference, meaning = rows[0]
    assert name == "Coarse grid, accuracy, against magnitude"
    assert difference.startswith("+0.")
    assert meaning.startswith("better (0.9")
