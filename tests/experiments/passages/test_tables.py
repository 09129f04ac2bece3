"""Passages: one walk along the path gives what the influence store has, and the page shows it."""

import numpy as np
import pytest
from markupsafe import escape

from explaind.choices import IGNORED
from explaind.config.load import load_config
from explaind.data.load import load_dataset
from explaind.errors import ConfigError
from explaind.experiments.job import compute_experiment
from explaind.experiments.passages.page import DARKEST, LOWERED, RAISED, draw
from explaind.experiments.passages.tables import read
from explaind.pipeline.load_kernel import load_kernel
from explaind.report.html import write_page
from explaind.report.page import About
from explaind.report.sources import Sources
from tests.pipeline.test_predict import CONFIG, project  # noqa: F401 (a fixture)

CASE = {"kind": "passages", "run": "small", "languages": ["Python", "English"], "top": 2}
SPAN = {"languages": ["English"], "passage": 1, "span": [3, 6]}


def config_of(name="passages", **changed):
    return load_config(CONFIG, {"experiments": {name: CASE | changed}})


def computed(paths, name, **changed):
    """The config, the paths, and what was computed."""
    config = config_of(name, **changed)
    compute_experiment(config, paths, name)
    results = {"passages": ("passages", name)}
    return config, paths, Sources(paths, name, "small", "text", config.datasets["text"], results)


@pytest.fixture(scope="module")
def made(project):  # noqa: F811
    """Two languages, the first held-out passage of each."""
    return computed(project[1], "passages")


@pytest.fixture(scope="module")
def of_span(project):  # noqa: F811
    """Three tokens of another passage."""
    return computed(project[1], "span", **SPAN)


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


def test_a_span_is_explained_as_if_nothing_else_followed(of_span):
    config, paths, sources = of_span
    data = load_dataset(config, paths, "text")
    row = data.groups.index("English")
    x, y = data.x_validation[[row], 1:2], data.y_validation[[row], 1:2].clone()
    y[..., :2] = y[..., 5:] = IGNORED  # the first token that is predicted is number 1
    opened = load_kernel(config, paths, "small")
    expected = opened.kernel.explain(x, y, "mean_logprob", keep=["influence"])["influence"]
    store = sources.store("passages")
    np.testing.assert_allclose(store["influence"], expected.isel(output=0), rtol=1e-6)


def test_the_page_underlines_the_span_in_the_text_of_its_part(of_span, tmp_path):
    config, _, sources = of_span
    tables = read(sources, config.experiments["span"])
    shown, data = tables.explained.iloc[0], sources.data
    assert shown["part"] == data.attrs["held_out_parts"][1]
    row = data.attrs["groups"].index("English")
    x, y = (data[f"{name}_validation"][row, 1].to_numpy() for name in ("x", "y"))
    text = "".join(data.attrs["vocabulary"][token] for token in (x[0], *y))
    assert (shown["before"], shown["inside"], shown["after"]) == (text[:3], text[3:6], text[6:])
    files = {name: tmp_path / name for name in ("strongest", "tokens")}
    page = draw(tables, About("span", "Passages", "small", files))
    write_page(page, {"span": "Passages"}, tmp_path / "span.html")
    html = (tmp_path / "span.html").read_text(encoding="utf-8")
    underlined = f"{escape(text[:3])}<u>{escape(text[3:6])}</u>{escape(text[6:])}"
    assert f'<p class="passage explained" dir="auto">{underlined}</p>' in html


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"passage": 4}, "passage: expected less than 4, the passages of a language, got 4"),
        ({"span": [3, 14]}, "expected passages of 14 tokens or more, got one of 13"),
    ],
)
def test_passages_and_tokens_that_are_not_there_are_named(project, changed, message):  # noqa: F811
    with pytest.raises(ConfigError, match=message):
        compute_experiment(config_of(**changed), project[1], "passages")


@pytest.mark.parametrize("span", [[0, 2], [3, 3]])
def test_a_span_begins_with_a_token_that_is_predicted_and_ends_behind_it(span):
    with pytest.raises(ConfigError, match="expected a span of 1 <= first < behind"):
        config_of(span=span)


def test_the_page_shows_every_text(made, tmp_path):
    tables = read(made[2], made[0].experiments["passages"])
    files = {name: tmp_path / name for name in ("strongest", "tokens")}
    page = draw(tables, About("passages", "Passages", "small", files))
    write_page(page, {"passages": "Passages"}, tmp_path / "passages.html")
    html = (tmp_path / "passages.html").read_text(encoding="utf-8")
    assert html.count('dir="auto"') == 2 + len(tables.strongest)
    assert html.count("Made it more likely") == 2
    assert page.subtitle == "2 held-out passages"


def test_colours_tell_the_sign_and_the_strongest_token(made, tmp_path):
    raised, lowered = (f"rgba({','.join(map(str, colour))}," for colour in (RAISED, LOWERED))
    assert RAISED != LOWERED
    tables = read(made[2], made[0].experiments["passages"])
    files = {name: tmp_path / name for name in ("strongest", "tokens")}
    page = draw(tables, About("passages", "Passages", "small", files))
    for panel, (_, tokens) in zip(
        page.panels, tables.tokens.groupby("explained", sort=False), strict=True
    ):
        strongest = tokens.loc[tokens["influence"].abs().idxmax()]
        colour = raised if strongest["influence"] > 0 else lowered
        assert f"background: {colour}{DARKEST:.2f})" in panel.extra
        unmoved = tokens[tokens["influence"] == 0]  # the first of each passage at least
        assert panel.extra.count(",0.00)") >= len(unmoved) > 0


def test_languages_that_are_not_there_are_named(project):  # noqa: F811
    with pytest.raises(ConfigError, match=r"expected some of .*English.*, got \['Klingon'\]"):
        compute_experiment(config_of(languages=["Klingon"]), project[1], "passages")
