"""Passages: one walk along the path gives what the influence store has, and the page shows it."""

import numpy as np
import pytest

from explaind.config.load import load_config
from explaind.data.load import load_dataset
from explaind.errors import ConfigError
from explaind.experiments.job import compute_experiment
from explaind.experiments.passages.page import draw
from explaind.experiments.passages.tables import read
from explaind.pipeline.load_kernel import load_kernel
from explaind.report.html import write_page
from explaind.report.page import About
from explaind.report.sources import Sources
from tests.pipeline.test_predict import CONFIG, project  # noqa: F401 (a fixture)

CASE = {"kind": "passages", "run": "small", "languages": ["Python", "English"], "top": 2}


def config_of(**changed):
    return load_config(CONFIG, {"experiments": {"passages": CASE | changed}})


@pytest.fixture(scope="module")
def made(project):  # noqa: F811
    """The config, the paths, and what was computed."""
    config, paths = config_of(), project[1]
    compute_experiment(config, paths, "passages")
    results = {"passages": ("passages", "passages")}
    sources = Sources(paths, "passages", "small", "text", config.datasets["text"], results)
    return config, paths, sources


def test_influence_is_that_of_the_path_kernel_and_the_sum_of_the_tokens(made):
    config, paths, sources = made
    store = sources.store("passages").load()
    data = load_dataset(config, paths, "text")
    rows = [data.groups.index(name) for name in ("Python", "English")]
    x, y = data.x_validation[rows, :1], data.y_validation[rows, :1]
    opened = load_kernel(config, paths, "small")
    expected = opened.kernel.explain(x, y, "mean_logprob", keep=["influence"])["influence"]
    np.testing.assert_allclose(store["influence"], expected.isel(output=0), rtol=1e-6)
    tokens = store["by_token"].sum("position").to_numpy()
    for passage in range(2):
        influence = store["influence"][passage].to_numpy()
        train = store["train_index"][passage].to_numpy()
        np.testing.assert_allclose(tokens[passage], influence[train], rtol=1e-9)
        assert train[0, 0] == influence.argmax()
        assert train[1, 0] == influence.argmin()


def test_shown_pieces_add_up_to_the_influence_of_their_passage(made):
    tables = read(made[2], made[0].experiments["passages"])
    assert tables.explained["language"].tolist() == ["Python", "English"]
    assert set(tables.strongest["side"]) <= {"helpful", "harmful"}
    sums = tables.tokens.groupby(["explained", "train"])["influence"].sum()
    for row in tables.strongest.to_dict("records"):
        assert sums[row["explained"], row["train"]] == pytest.approx(row["influence"])
        assert (row["influence"] > 0) == (row["side"] == "helpful")
    assert tables.explained["own_share"].between(0, 1).all()


def test_the_page_shows_every_text(made, tmp_path):
    tables = read(made[2], made[0].experiments["passages"])
    files = {name: tmp_path / name for name in ("strongest", "tokens")}
    page = draw(tables, About("passages", "Passages", "small", files))
    write_page(page, {"passages": "Passages"}, tmp_path / "passages.html")
    html = (tmp_path / "passages.html").read_text(encoding="utf-8")
    assert html.count('dir="auto"') == 2 + len(tables.strongest)
    assert html.count("Made it more likely") == 2
    assert page.subtitle == "2 held-out passages"


def test_languages_that_are_not_there_are_named(project):  # noqa: F811
    with pytest.raises(ConfigError, match=r"expected some of .*English.*, got \['Klingon'\]"):
        compute_experiment(config_of(languages=["Klingon"]), project[1], "passages")
