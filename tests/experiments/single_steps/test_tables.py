"""Single steps against the whole training: planted steps that tell all of it, and the rule."""

import numpy as np
import pytest
import xarray as xr

from explaind.config.load import load_config
from explaind.data.load import load_dataset
from explaind.experiments.job import compute_experiment
from explaind.experiments.single_steps.page import draw
from explaind.experiments.single_steps.settings import SingleStepsSettings
from explaind.experiments.single_steps.tables import read
from explaind.pipeline.load_kernel import load_kernel
from explaind.report.html import write_page
from explaind.report.page import About
from explaind.report.sources import Sources
from explaind.store import open_sealed
from tests.experiments.language_influence import test_tables
from tests.pipeline.test_predict import CONFIG, STEPS, project  # noqa: F401 (a fixture)

SETTINGS = SingleStepsSettings(run="run", points=2)
FILES = ("pairs", "intervals", "parts", "components")


class Planted(Sources):
    """Sources with a store of single steps that is planted."""

    def store(self, key):
        assert key == "single_steps"
        return vars(self)["single"]


def planted(change):
    """Single steps 2 and 7 that are a tenth of what their half of the training did, changed."""
    found, store = test_tables.sources()
    influence = store["influence_by_interval"].isel(output=0).rename(interval="point")
    single = xr.Dataset({"influence": change(influence) / 10, "number": ("point", [2, 7])})
    sources = Planted(found.paths, "single", "run", "text", found.dataset)
    vars(sources).update({**vars(found), "single": single})
    return sources


def test_steps_that_tell_all_correlate_and_have_their_share():
    tables = read(planted(lambda influence: influence), SETTINGS)
    assert tables.correlations() == (pytest.approx(1), pytest.approx(1))
    assert tables.share() == pytest.approx(0.5)  # a tenth, each standing for five steps
    assert tables.intervals["points"].tolist() == [1, 1]
    assert tables.intervals["correlation"].tolist() == pytest.approx([1, 1])
    np.testing.assert_allclose(tables.components["single"], tables.components["path"])


def test_steps_that_tell_the_opposite_correlate_negatively():
    tables = read(planted(lambda influence: -influence), SETTINGS)
    assert tables.correlations() == (pytest.approx(-1), pytest.approx(-1))
    assert tables.share() == pytest.approx(-0.5)


def test_the_parts_of_a_step_add_up_to_its_change():
    sources = planted(lambda influence: influence)
    parts = read(sources, SETTINGS).parts
    change = sources.influence["step_true"].isel(output=0, step=[2, 7]).mean("test")
    np.testing.assert_allclose(parts.drop(columns="step").sum(axis=1), change)


def test_the_page_names_every_pair(tmp_path):
    about = About("single", "Single steps", "run", {name: tmp_path / name for name in FILES})
    page = draw(read(planted(lambda influence: influence), SETTINGS), about)
    write_page(page, {"single": "Single steps"}, tmp_path / "single.html")
    assert "Svenska on Dansk" in page.panels[0].plots[0].figure.to_json()
    assert [fact.value for fact in page.facts[:2]] == ["1", "50 %"]
    lines = next(panel for panel in page.panels if panel.letter == "c").plots[0].figure.data
    assert len({trace.line.dash for trace in lines}) == 4  # told apart without colours


def test_the_rule_sums_single_steps_by_language(project):  # noqa: F811
    config, paths = project
    single = {"kind": "single_steps", "run": "small", "points": STEPS}
    asked = {"experiments": {"single": single}}
    compute_experiment(load_config(CONFIG, asked), paths, "single")
    store = open_sealed(paths.experiment("small", "single", "zarr")).load()
    assert store["number"].values.tolist() == list(range(STEPS))
    whole = open_sealed(paths.influence("small")).load()
    assert store["group"].values.tolist() == whole["group"].values.tolist()
    # nothing moved before the first step: its batch did all that the data did in it
    first = store["influence"].isel(point=0).sum("group")
    moved = whole["step_data"].isel(step=0, output=0)
    np.testing.assert_allclose(first.sum("component"), moved, rtol=1e-3)
    data, kernel = load_dataset(config, paths, "text"), load_kernel(config, paths, "small").kernel
    asked = data.x_validation, data.y_validation, 0, "mean_logprob"
    expected = kernel.explain_step(*asked, credit="application_step").sum(("output", "train"))
    assert first["component"].values.tolist() == expected["component"].values.tolist()
    np.testing.assert_allclose(first, expected, rtol=1e-3, atol=1e-6)
    assert config.runs["small"].epk.groups == "group"


def test_steps_lie_in_the_middles_of_their_parts(project):  # noqa: F811
    single = {"kind": "single_steps", "run": "small", "points": 2}
    compute_experiment(load_config(CONFIG, {"experiments": {"two": single}}), project[1], "two")
    store = open_sealed(project[1].experiment("small", "two", "zarr"))
    assert store["number"].values.tolist() == [1, 3]  # of 0 to 4
