"""Which training samples are removed."""

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


def test_random_groups_are_seeded_nested_and_differ_by_draw(groups):
    again = {
        (group.kind, group.share, group.draw): group.samples.tolist()
        for group in removed_groups(-INFLUENCE, (0.2, 0.41), 2, 7)
    }
    for draw in (0, 1):
        small, large = groups["random", 0.2, draw], groups["random", 0.41, draw]
        assert small == large[:2]
        assert len(set(large)) == 5
        assert again["random", 0.41, draw] == large  # whatever the influence
    assert groups["random", 0.41, 0] != groups["random", 0.41, 1]
    other = [group.samples.tolist() for group in removed_groups(INFLUENCE, (0.41,), 1, 8)]
    assert other[-1] != groups["random", 0.41, 0]


def test_the_control_removes_nothing(groups):
    assert groups["none", 0.0, 0] == []
    assert len(groups) == 1 + 2 * (2 + 2)
