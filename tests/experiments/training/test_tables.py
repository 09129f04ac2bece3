"""The tables of the page on a training."""

import pandas as pd

from explaind.experiments.drawing import sources_of
from explaind.experiments.training.tables import read
from explaind.paths import Paths
from explaind.store import open_sealed
from tests.report.synthetic import SyntheticRun, write_pages


def test_the_numbers_are_those_of_the_run(tmp_path):
    paths = Paths(tmp_path)
    config = write_pages(paths, SyntheticRun(p=3, steps=4, intervals=2), ["training"])
    tables = read(sources_of(config, paths, "training"), config.experiments["training"])
    files = tables.files()
    pd.testing.assert_frame_equal(files["metrics"], pd.read_parquet(paths.metrics("grokking")))
    assert files["decomposition"]["step"].tolist() == [0, 1, 2, 3]
    assert len(files["components"]) == 4 * 6
    assert len(files["cancellation"]) == 3 * (1 + 2)
    final = open_sealed(paths.influence("grokking"))["final_output"]
    assert tables.explained.completeness["final"].mean() == float(final.mean())
    assert tables.smoothing == 25
