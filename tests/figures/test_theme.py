"""Shared look."""

import numpy as np
import pandas as pd
import pytest

from explaind.figures.theme import COMPONENTS, component_styles, thin


@pytest.mark.parametrize("rows", [1, 99, 100, 101, 1234])
def test_thin_keeps_the_ends_and_the_limit(rows):
    table = pd.DataFrame({"step": np.arange(rows)})
    kept = thin(table, limit=100)["step"]
    assert kept.iloc[0] == 0
    assert kept.iloc[-1] == rows - 1
    assert len(kept) <= 101
    assert kept.is_monotonic_increasing
    assert rows > 100 or len(kept) == rows


def test_every_component_has_its_own_style():
    names = [f"component {i}" for i in range(3 * len(COMPONENTS))]
    styles = component_styles(names)
    assert len({tuple(style.items()) for style in styles.values()}) == len(names)
    assert component_styles(names[:4]) == {name: styles[name] for name in names[:4]}
