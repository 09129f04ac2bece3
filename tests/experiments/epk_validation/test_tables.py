"""The tables of the page on the validation of the path kernel."""

import numpy as np
import pytest

from explaind.experiments.drawing import sources_of
from explaind.experiments.epk_validation.tables import read
from explaind.paths import Paths
from tests.report.synthetic import SyntheticRun, write_pages


@pytest.fixture
def tables(tmp_path):
    config = write_pages(Paths(tmp_path), SyntheticRun(p=5, steps=20), ["epk_validation"])
    sources = sources_of(config, Paths(tmp_path), "epk_validation")
    return read(sources, config.experiments["epk_validation"])


def test_the_terms_of_a_sample_are_complete(tables):
    table = tables.explained.completeness
    total = table[["initial", "data", "decay", "residual"]].sum(axis=1)
    np.testing.assert_allclose(total, table["final"], atol=1e-12)
    np.testing.assert_allclose(
        tables.decomposition["true"].sum(), (table["final"] - table["initial"]).mean(), rtol=1e-9
    )


def test_statistics_are_written_as_names_and_values(tables):
    numbers = {name: value for name, value in tables.statistics.items() if name != "unit"}
    written = tables.files()["statistics"].set_index("name")["value"]
    assert written.to_dict() == pytest.approx(numbers)
    assert len(tables.outputs) == tables.statistics["samples"] * tables.statistics["classes"]
