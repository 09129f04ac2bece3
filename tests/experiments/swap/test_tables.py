"""Curves, gains and confusion counts, from a store made by hand."""

import numpy as np
import pandas as pd
import pytest

from explaind.config.dataset import ModuloDataset
from explaind.experiments.swap.settings import SwapSettings
from explaind.experiments.swap.tables import confusion_counts, read, swap_curves, swap_gains
from explaind.paths import Paths
from explaind.report.sources import Sources
from explaind.report.tables.phases import Phases
from explaind.store import write_store
from tests.experiments.swap.measured import STEPS, swap_store


def test_the_page_reads_the_store_and_the_metrics(tmp_path):
    paths, results = Paths(tmp_path), {"swap": ("swap", "mine")}
    write_store(paths.experiment("a", "mine", "zarr"), swap_store(), {})
    sources = Sources(paths, "mine", "a", "modulo", ModuloDataset(), results)
    numbers = {"step": range(301), "train_accuracy": 1.0, "validation_accuracy": 0.0}
    sources.__dict__["metrics"] = pd.DataFrame(numbers)
    sources.metrics.attrs["mini_batches"] = False
    tables = read(sources, SwapSettings(run="a"))
    pd.testing.assert_frame_equal(tables.curves, swap_curves(swap_store()))
    assert (tables.classes, tables.phases) == (3, Phases(0, None))
    assert set(tables.files()) == {"curves", "gains", "confusion"}


def test_curves_have_the_difference_to_the_untouched_network():
    curves = swap_curves(swap_store())
    assert len(curves) == 2 * 4 * 4
    own = curves[(curves["swapped"] == "a + b") & (curves["split"] == "validation")]
    assert own["step"].tolist() == list(STEPS)
    assert own["accuracy"].tolist() == [0.0, 0.4, 0.99, 1.0]
    np.testing.assert_allclose(own["accuracy_gain"], [0, 0.3, 0.49, 0])
    np.testing.assert_allclose(own["kl_change"], [0, -0.6, -0.98, 0])
    untouched = curves[curves["group"] == "untouched"]
    assert (untouched[["accuracy_gain", "kl_change"]] == 0).all(axis=None)


def test_groups_are_told_by_the_number_of_components():
    groups = swap_curves(swap_store()).groupby("swapped")["group"].first().to_dict()
    expected = {"nothing": "untouched", "a + b": "sets", "a": "single"}
    assert groups == {**expected, "all but a": "all but one"}


def test_gains_and_the_step_from_which_a_network_generalises():
    gains = swap_gains(swap_curves(swap_store())).set_index("swapped")
    assert gains["gain"].to_dict() == pytest.approx(
        {"nothing": 0, "a + b": 0.49, "a": 0.2, "all but a": 1.0}
    )
    assert gains["gain_step"].to_dict() == {"nothing": 0, "a + b": 100, "a": 0, "all but a": 0}
    # an accuracy that is lost again does not count: "all but a" has it at the start
    assert gains["generalised"].to_dict() == {
        "nothing": 150,
        "a + b": 100,
        "a": 150,
        "all but a": 100,
    }
    assert gains["kl"]["nothing"] == pytest.approx(2 - 2 * np.mean([0, 0.1, 0.5, 1]))


def test_a_network_that_never_generalises_has_no_such_step():
    store = swap_store()
    store["accuracy"] = 0.9 * store["accuracy"]
    assert swap_gains(swap_curves(store))["generalised"].isna().all()


def test_confusion_counts_list_what_occurs():
    counts = confusion_counts(swap_store())
    rows = counts[(counts["step"] == 50) & (counts["swapped"] == "nothing")]
    expected = pd.DataFrame(
        {"true": [0, 0, 1, 2], "predicted": [0, 2, 1, 2], "samples": [1, 3, 4, 4]}
    )
    found = rows[["true", "predicted", "samples"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert counts["samples"].sum() == 2 * 4 * 12
