"""Opening the stores of a run."""

import pytest

from explaind.errors import StoreError
from explaind.paths import Paths
from explaind.report.tables.run import open_run
from tests.report.synthetic import SyntheticRun, write_run


@pytest.fixture
def paths(tmp_path):
    paths = Paths(tmp_path)
    write_run(paths, "small", SyntheticRun(p=3, steps=8))
    return paths


def test_opens_what_was_written(paths):
    stores = open_run(paths, "small")
    assert len(stores.metrics) == stores.influence.sizes["step"] + 1 == 9
    assert stores.validation.sizes["class"] == stores.statistics["classes"] == 5


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ("metrics", "train"),
        ("validation_summary", "validate_epk"),
        ("influence", "accumulate_kernel"),
        ("validation", "validate_epk"),
    ],
)
def test_a_missing_part_names_the_rule(paths, broken, rule):
    path = getattr(paths, broken)("small")
    path.rename(path.with_name("elsewhere"))
    with pytest.raises(StoreError, match=f"{path.name}.*`{rule}`"):
        open_run(paths, "small")


@pytest.mark.parametrize("broken", ["metrics", "validation_summary"])
def test_a_truncated_file_is_refused(paths, broken):
    path = getattr(paths, broken)("small")
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(StoreError, match="not readable"):
        open_run(paths, "small")
