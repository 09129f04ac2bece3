"""What sets of components are called."""

import pytest

from explaind.experiments.component_sets import ALL, NONE, set_name

COMPONENTS = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ((), NONE),
        (("b",), "b"),
        (("d", "a"), "a + d"),
        (("d", "c", "a"), "all but b"),
        (COMPONENTS, ALL),
    ],
)
def test_a_set_is_named_by_what_is_in_it(chosen, name):
    assert set_name(chosen, COMPONENTS) == name


def test_of_two_components_the_one_is_named():
    assert set_name(("b",), ("a", "b")) == "b"
