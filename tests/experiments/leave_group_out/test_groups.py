"""Which training samples are removed."""

from itertools import chain

import numpy as np
import pytest

from explaind.experiments.leave_group_out.groups import removed_groups

INFLUENCE = np.array([0.5, -1.0, 2.0, 0.5, -1.0, 0.0, 3.0, 0.5, -4.0, 0.0])


@pytest.fixture
def groups():
    found = removed_groups(INFLUENCE, (0.2, 0.41), 2, 7)
    return {(group.kind, group.share, group.draw): group.samples.tolist() for group in found}


def test_top_and_bottom_are_those_of_largest_and_smallest_influence(groups):
    assert groups["top", 0.2, 0] == [6, 2]
    assert groups["bottom", 0.2, 0] == [8, 1]


def test_the_number_is_rounded_up_and_ties_go_by_index(groups):
    assert groups["top", 0.41, 0] == [6, 2, 0, 3, 7]
    assert groups["bottom", 0.41, 0] == [8, 1, 4, 5, 9]
    flat = {group.kind: group.samples for group in removed_groups(np.zeros(5), (0.4,), 1, 0)}
    assert flat["top"].tolist() == flat["bottom"].tolist() == [0, 1]


def test_random_groups_of_a_share_have_no_sample_in_common_until_all_are_used():
    def random_groups(influence, seed, draws=7):
        found = removed_groups(influence, (0.3, 0.41), draws, seed)
        return [(g.share, g.samples.tolist()) for g in found if g.kind == "random"]

    groups = random_groups(INFLUENCE, 7)
    small = [samples for share, samples in groups if share == 0.3]
    for start in (0, 3):  # three groups of three in ten samples, then the next order
        assert len(set(chain(*small[start : start + 3]))) == 9
    assert small[0] != small[3]
    assert all(len(samples) == 5 for share, samples in groups if share == 0.41)
    assert random_groups(-INFLUENCE, 7) == groups  # whatever the influence
    assert random_groups(INFLUENCE, 7, draws=2)[0] == groups[0]
    assert random_groups(INFLUENCE, 8) != groups


def test_the_control_removes_nothing(groups):
    assert groups["none", 0.0, 0] == []
    assert len(groups) == 1 + 2 * (2 + 2)
