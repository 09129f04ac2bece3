"""What the story reads of the run and of the experiments on it."""

import pandas as pd
import pytest

from explaind.experiments.grokking.story import held_from, key_frequencies
from explaind.paths import Paths
from tests.experiments.grokking import planted
from tests.report.synthetic import write_pages


def test_classes_are_results_not_model_outputs(tmp_path):
    """The network also has outputs for the tokens + and =."""
    paths = Paths(tmp_path)
    write_pages(paths)
    maps = pd.read_parquet(paths.table("influence_matrices", "class_maps", "parquet"))
    assert maps["validation_class"].max() == maps["training_class"].max() == 6
    assert "addition modulo 7<" in paths.figure("grokking").read_text()
    outputs = pd.read_parquet(paths.table("epk_validation", "outputs", "parquet"))
    assert outputs["class"].max() == 8


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ([0.1, 0.9, 1.0], 10),
        ([0.95, 0.2, 0.9], 20),  # held to the end
        ([0.95, 0.9, 0.9], 0),
        ([0.9, 0.9, 0.1], None),
    ],
)
def test_an_accuracy_counts_from_when_it_is_held(accuracies, expected):
    curve = pd.DataFrame({"step": [0, 10, 20], "accuracy": accuracies})
    assert held_from(curve, "accuracy") == expected


def test_key_frequencies_are_those_of_the_last_checkpoint_before():
    spectrum = planted.spectrum(keys=((3, 5), (5,)))
    assert key_frequencies(spectrum, 299) == {"embedding.weight": [], "decoder.weight": []}
    assert key_frequencies(spectrum, 300) == {"embedding.weight": [3, 5], "decoder.weight": [5]}
