"""The table of the page on a training."""

import pandas as pd

from explaind.experiments.drawing import sources_of
from explaind.experiments.training.tables import read
from explaind.paths import Paths
from tests.report.synthetic import SyntheticRun, write_pages


def test_the_metrics_are_those_of_the_run(tmp_path):
    paths = Paths(tmp_path)
    config = write_pages(paths, SyntheticRun(p=3, steps=4, intervals=2))
    tables = read(sources_of(config, paths, "training"), config.experiments["training"])
    pd.testing.assert_frame_equal(
        tables.files()["metrics"], pd.read_parquet(paths.metrics("grokking"))
    )
