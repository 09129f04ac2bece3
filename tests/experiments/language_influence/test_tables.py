"""The page about languages from stores with known numbers."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explaind.config.dataset import TextDataset
from explaind.errors import StoreError
from explaind.experiments.language_influence.page import draw
from explaind.experiments.language_influence.plots import shares_figure
from explaind.experiments.language_influence.settings import LanguageInfluenceSettings
from explaind.experiments.language_influence.tables import read
from explaind.paths import Paths
from explaind.report.page import About
from explaind.report.sources import Sources

NAMES = ["Dansk", "العربية", "Svenska"]  # as in the dataset; groups of a store are sorted
COMPONENTS = ["embedding", "layer 1 attention", "layer 1 MLP"]
SETTINGS = LanguageInfluenceSettings(
    run="run", families={"Scandinavian": ("Dansk", "Svenska")}, permutations=20
)


def by_step(data, decay):
    """The decomposition of ten alike steps, and sizes of influence that grow through attention."""
    steps, query = np.ones(10) / 10, ("test", "output")
    change = data + decay
    sizes = np.stack([np.ones(10), np.arange(10.0), np.ones(10)])
    return {
        **{
            f"step_{name}": ((*query, "step"), values[..., None] * steps)
            for name, values in (("true", change), ("data", data), ("decay", decay))
        },
        "step_residual": ((*query, "step"), 0 * data[..., None] * steps),
        "subintervals": (("step", "test"), np.ones((10, len(data)))),
        "step_absolute_by_component": (
            ("component", *query, "step"),
            np.broadcast_to(sizes[:, None, None], (3, len(data), 1, 10)),
        ),
    }


def sources(seed=0, **changed):
    groups = sorted(NAMES)
    generator = np.random.default_rng(seed)
    influence = 0.05 * generator.random((2, 3, 3, 1, 3))
    for row, name in enumerate(NAMES):
        influence[:, :, row, 0, groups.index(name)] += 1
    influence[:, :, 0, 0, groups.index("Svenska")] += 0.5  # of Swedish on Danish
    query = ("test", "output")
    data = influence.sum((0, 1, 4))
    ends = {"initial_output": np.full_like(data, -5), "final_output": data - 5.1}
    parts = {"data": data, "decay": np.full_like(data, -0.1), "residual": 0 * data, **ends}
    store = xr.Dataset(
        {
            "influence_by_interval": (
                ("interval", "component", *query, "group"),
                influence,
                {"units": "nat"},
            ),
            "interval_start": ("interval", [0, 5]),
            "interval_stop": ("interval", [5, 10]),
            "test_index": ("test", [0, 1, 2]),
            **{name: (query, values, {"units": "nat"}) for name, values in parts.items()},
            **by_step(data, parts["decay"]),
        },
        coords={"component": COMPONENTS, "group": groups, "output": ["mean_logprob"]},
        attrs={"functional": "mean_logprob", "credit": "gradient_step"},
    )
    found = Sources(Paths("unused"), "languages", "run", "text", TextDataset())
    data_store = xr.Dataset(attrs={"groups": NAMES})
    vars(found).update({"influence": store, "data": data_store} | changed)  # as if read before
    return found, store


def test_rows_and_columns_are_the_same_languages_in_the_order_of_the_tree():
    found, store = sources()
    tables = read(found, SETTINGS)
    names = tables.influence["explained"].values.tolist()
    assert names == tables.influence["trained"].values.tolist()
    assert abs(names.index("Dansk") - names.index("Svenska")) == 1
    for row, name in enumerate(NAMES):
        for other in NAMES:
            np.testing.assert_allclose(
                tables.influence.sel(explained=name, trained=other),
                store["influence_by_interval"].isel(test=row, output=0).sel(group=other),
            )
    nearest = tables.nearest.query("rank == 1").set_index("language")["nearest"]
    assert nearest["Dansk"] == "Svenska"
    assert nearest["Svenska"] == "Dansk"
    assert tables.families is not None
    assert tables.families.rand == 1


def test_shares_of_an_interval_add_up_to_one():
    tables = read(sources()[0], SETTINGS)
    sums = tables.shares.groupby("start")["share"].sum()
    np.testing.assert_allclose(sums, 1)
    assert set(tables.shares["component"]) == set(COMPONENTS)


def test_norms_are_drawn_in_one_line():
    names = [f"layer {k} {kind}" for k in (1, 2) for kind in ("norms", "MLP")]
    rows = [(0, 5, name, 0.1 * number) for number, name in enumerate(names, 1)]
    shares = pd.DataFrame(rows, columns=["start", "stop", "component", "share"])
    drawn = {trace.name: trace.y.tolist() for trace in shares_figure(shares).data}
    expected = {"all norms": [0.4], "layer 1 MLP": [0.2], "layer 2 MLP": [0.4]}
    assert {name: pytest.approx(values) for name, values in expected.items()} == drawn


def test_parts_add_up():
    parts = read(sources()[0], SETTINGS).parts
    assert parts["language"].tolist() == NAMES
    np.testing.assert_allclose(
        parts["initial"] + parts["data"] + parts["decay"] + parts["residual"], parts["final"]
    )


def test_the_page_shows_every_step():
    steps = read(sources()[0], SETTINGS).steps
    parts = read(sources()[0], SETTINGS).parts
    assert steps["data"].sum() == pytest.approx(parts["data"].mean())
    assert steps["decay"].sum() == pytest.approx(-0.1)


def test_the_page_offers_every_component_and_interval(tmp_path):
    names = ("influence", "shares", "nearest", "parts", "steps")
    about = About("languages", "Languages", "run", {name: tmp_path / name for name in names})
    page = draw(read(sources()[0], SETTINGS), about)
    figure = page.panels[0].plots[0].figure
    shown = [trace.meta for trace in figure.data if trace.visible]
    assert shown == [{"component": "all components", "interval": "0"}]
    for text in ("all components", *COMPONENTS, "whole run", "steps 0 to 4", "steps 5 to 9"):
        assert f">{text}</option>" in page.panels[0].controls
    _, store = sources()
    influence = store["influence_by_interval"].isel(output=0)
    for trace in figure.data:
        component, interval = trace.meta["component"], int(trace.meta["interval"])
        chosen = influence.isel(interval=slice(None) if interval == 0 else [interval - 1])
        if component != "all components":
            chosen = chosen.sel(component=[component])
        cells = chosen.sum(("interval", "component"))
        row, column = trace.y.index("Dansk"), trace.x.index("Svenska")
        np.testing.assert_allclose(trace.z[row][column], cells.sel(group="Svenska")[0], rtol=1e-6)
        assert trace.colorbar.tickvals == (trace.zmin, 0, trace.zmax)
    assert len(figure.data) == 4 * 3
    assert "العربية" in json.loads(figure.to_json())["data"][0]["x"]
    assert [fact.label for fact in page.facts][-1] == "Agreement with known families"


def test_components_of_an_own_model_may_have_any_names(tmp_path):
    modules = ["transformer.wte", "transformer.h.0.attn.c_attn", "transformer.h.0.mlp.c_fc"]
    store = sources()[1].assign_coords(component=modules)
    names = ("influence", "shares", "nearest", "parts", "steps")
    about = About("languages", "Languages", "run", {name: tmp_path / name for name in names})
    page = draw(read(sources(influence=store)[0], SETTINGS), about)
    shares = next(panel for panel in page.panels if panel.letter == "c")
    assert [trace.name for trace in shares.plots[0].figure.data] == modules
    assert "all MLP" not in shares.caption


def test_what_was_not_kept_is_named():
    _, store = sources()
    with pytest.raises(StoreError, match=r"Set runs\.run\.epk\.groups to group"):
        read(sources(influence=store.rename(group="train"))[0], SETTINGS)
    twice = xr.concat([store, store], "output", data_vars="minimal", coords="minimal")
    with pytest.raises(StoreError, match="expected one explained output for each language, got 2"):
        read(sources(influence=twice)[0], SETTINGS)
