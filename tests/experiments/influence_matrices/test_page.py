"""The page with the influence matrices: unusual runs, and its size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explaind.errors import StoreError
from explaind.experiments.drawing import sources_of
from explaind.experiments.influence_matrices.page import draw
from explaind.experiments.influence_matrices.tables import (
    MAX_CELLS,
    MatrixTables,
    read,
    sample_names,
)
from explaind.paths import Paths
from explaind.report.html import render
from explaind.report.page import About
from tests.report.synthetic import COMPONENTS, SyntheticRun, metrics, write_pages

NAME = "influence_matrices"
MAX_PAGE_BYTES = 8_000_000


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (SyntheticRun(keep=("influence", "component")), ["<code>interval</code>"]),
        (SyntheticRun(keep=("influence",)), ["<code>component</code>", "<code>interval</code>"]),
        (SyntheticRun(all_outputs=True, p=5), ["the log-probability of the correct class"]),
        (SyntheticRun(credit="application_step", p=5), ["credited to the application step"]),
        (SyntheticRun(p=3, steps=4, intervals=2), ["addition modulo 3", "step 2 alone"]),
        (SyntheticRun(p=5, components=("<b>body</b>", "head")), ["&lt;b&gt;body&lt;/b&gt;"]),
        (SyntheticRun(p=5, intervals=11, steps=23), ["steps 20 to 22"]),
    ],
    ids=["no intervals", "no splits", "all outputs", "credit", "tiny", "names", "odd"],
)
def test_unusual_runs(tmp_path, case, expected):
    write_pages(Paths(tmp_path), case, [NAME])
    html = Paths(tmp_path).figure(NAME).read_text()
    for text in expected:
        assert text in html


def test_a_page_without_influence_names_the_key(tmp_path):
    with pytest.raises(StoreError, match=r"Add `influence` to\s+runs.<name>.epk.keep"):
        write_pages(
            Paths(tmp_path),
            SyntheticRun(keep=("component", "interval")),
            pages=["influence_matrices"],
        )


def test_sums_are_set_beside_the_data_part(tmp_path):
    write_pages(Paths(tmp_path), pages=[NAME])
    table = pd.read_csv(Paths(tmp_path).table(NAME, "sums"))
    np.testing.assert_allclose(table["net"], table["data_part"], rtol=1e-4, atol=1e-6)


def test_page_of_the_size_of_the_paper_is_small_enough(tmp_path):
    """p = 113, 4,000 steps, 10 intervals, as many samples as fit."""
    config = write_pages(Paths(tmp_path), SyntheticRun(p=5), [NAME])
    sources = sources_of(config, Paths(tmp_path), NAME)
    small = read(sources, config.experiments[NAME])
    about = About(NAME, "Title", "paper", dict.fromkeys(small.files(), Path("t.csv")))
    tables = of_the_paper(small, np.random.default_rng(0))
    html = render("page.html", page=draw(tables, about), pages={})
    assert 4 * 10**6 < len(html.encode()) < MAX_PAGE_BYTES


def of_the_paper(small: MatrixTables, random: np.random.Generator) -> MatrixTables:
    ranges, components = 14, 1 + len(COMPONENTS)
    cells = MAX_CELLS // (2 * ranges * components)
    rows = int((cells / 4) ** 0.5)
    shape = (2, ranges, components, rows, cells // rows)
    names = ["all components", *COMPONENTS]
    bounds = {"start": ("range", np.arange(ranges)), "stop": ("range", np.arange(ranges) + 1)}
    intervals = {"start": ("interval", np.arange(11)), "stop": ("interval", np.arange(11) + 1)}
    samples = {
        split: sample_names(np.array([[k, 113, 0, 114] for k in range(size)]), 113)
        for split, size in zip(("validation", "train"), shape[-2:], strict=True)
    }
    return replace(
        small,
        metrics=metrics(SyntheticRun(steps=4000), random),
        maps=xr.DataArray(
            random.standard_normal((11, components, 113, 113)),
            dims=small.maps.dims,
            coords={"component": names, **intervals},
        ),
        matrices=xr.DataArray(
            random.standard_normal(shape).astype(np.float32),
            dims=small.matrices.dims,
            coords={"sign": ["net", "gross"], "component": names, **bounds},
        ),
        samples=samples,
    )
