"""Phases of planted runs, and the evidence in each of them."""

import numpy as np
import pytest

from explaind.experiments.grokking.phases import phase_evidence, story_phases
from explaind.report.tables.phases import Phases
from tests.experiments.grokking import planted


def bounds(**changes):
    return {
        phase.name: (phase.start, phase.stop) for phase in story_phases(planted.story(**changes))
    }


def test_phases_follow_one_another_from_the_first_step_to_the_last():
    assert bounds() == {
        "start": (0, 100),
        "memorisation": (100, 200),
        "circuit formation": (200, 500),
        "alignment": (500, 800),
        "generalised": (800, 1000),
    }


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"balance": None, "crossings": None}, "start"),
        ({"swapped": None}, "alignment"),
        ({"swapped": planted.swapped(ready=150)}, "alignment"),  # ready before memorisation
        ({"swapped": planted.swapped(ready=850)}, "alignment"),  # after generalisation
        ({"phases": Phases(200, None)}, "generalised"),
    ],
)
def test_a_phase_that_is_not_found_belongs_to_its_neighbour(changes, absent):
    found = bounds(**changes)
    assert absent not in found
    (first, *starts), stops = zip(*found.values(), strict=True)
    assert first == 0
    assert [*starts, 1000] == list(stops)


def test_a_run_that_did_not_memorise_is_one_phase():
    assert bounds(phases=Phases()) == {"whole training": (0, 1000)}


def test_evidence_is_that_of_the_phase():
    story = planted.story()
    table = phase_evidence(story, story_phases(story)).set_index("phase")
    assert table["train_accuracy"].tolist() == [0, 1, 1, 1, 1]
    assert table["validation_accuracy"].tolist() == [0, 0, 0, 1, 1]
    assert table["strongest"].tolist() == ["middle and decoder"] * 2 + ["decoder and middle"] * 3
    np.testing.assert_allclose(table["share"], 0.9)
    np.testing.assert_allclose(table["difference"], [-2, 2, 6, 6, -4])
    np.testing.assert_allclose(table["same_sum"], 0.7)
    assert table["keys"].tolist() == ["none", "none", "3 5", "3 5", "3 5"]
    assert table["swapped"].tolist() == [0, 0, 1, 1, 1]
    outer = table["retrained_outer"].tolist()
    assert outer[2:] == [500, pytest.approx(np.nan, nan_ok=True), 100]  # sources 500 and 1,000


def test_a_retraining_that_did_not_end_is_no_missing_one():
    story = planted.story(retrained=planted.retrained(np.nan, 100))
    table = phase_evidence(story, story_phases(story)).set_index("phase")
    assert table.loc["generalised", "retrained_pipeline"] == np.inf
    assert np.isnan(table.loc["start", "retrained_pipeline"])


def test_evidence_of_what_is_left_out_is_empty():
    absent = ("balance", "crossings", "cosines", "spectrum", "swapped", "retrained")
    story = planted.story(**dict.fromkeys(absent))
    table = phase_evidence(story, story_phases(story))
    assert len(table) == 3
    assert table[["difference", "same_sum", "swapped"]].isna().all(axis=None)
    assert table["keys"].isna().all()
