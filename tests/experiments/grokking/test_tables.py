"""The tables of the grokking page."""

import pandas as pd

from explaind.experiments.grokking import tables as grokking_tables
from explaind.paths import Paths
from tests.report.synthetic import write_pages


def test_classes_are_results_not_model_outputs(tmp_path):
    """The network also has outputs for the tokens + and =."""
    paths = Paths(tmp_path)
    write_pages(paths)
    maps = pd.read_parquet(paths.table("grokking", "class_maps", "parquet"))
    assert maps["validation_class"].max() == maps["training_class"].max() == 6
    assert "addition modulo 7<" in paths.figure("grokking").read_text()
    outputs = pd.read_parquet(paths.table("epk_validation", "outputs", "parquet"))
    assert outputs["class"].max() == 8


def test_too_many_pairs_of_samples_leave_an_empty_table(tmp_path, monkeypatch):
    monkeypatch.setattr(grokking_tables, "MAX_SAMPLE_PAIRS", 3)
    paths = Paths(tmp_path)
    write_pages(paths)
    assert "pairs of samples are too many for a page" in paths.figure("grokking").read_text()
    assert pd.read_parquet(paths.table("grokking", "sample_map", "parquet")).empty
