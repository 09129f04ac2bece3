"""Rows of stacked passes: what is put in at their places comes out of the same ones."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from explaind.kernel.query.rows import Rows

SAMPLES, STEPS = 4, 5


def rows_of(numbers):
    x = torch.arange(SAMPLES) * 10.0
    return Rows(x, {"target": torch.arange(SAMPLES)}, np.array(numbers), SAMPLES)


some_rows = st.sets(st.integers(0, SAMPLES * STEPS - 1), min_size=1).map(sorted)


@given(some_rows, st.integers(1, 3))
def test_every_row_finds_its_sample_and_its_values(numbers, points):
    rows = rows_of(numbers)
    assert rows.steps.tolist() == sorted({number // SAMPLES for number in numbers})
    stacked, places = rows.stacked(points), rows.places(points)
    passes = len(rows.steps) * points
    x = stacked.x if stacked.apart else stacked.x.expand(passes, -1)
    target = stacked.y["target"] if stacked.apart else stacked.y["target"].expand(passes, -1)
    assert x.shape == (passes, stacked.size)
    samples = torch.tensor(numbers) % SAMPLES
    for point in range(points):
        at = places[:, point]
        assert torch.equal(target.flatten()[at], samples)
        assert torch.equal(x.flatten()[at], 10.0 * samples)
        of_pass = rows.steps.searchsorted(np.array(numbers) // SAMPLES) * points + point
        assert torch.equal(at // stacked.size, torch.from_numpy(of_pass))
    values = torch.randn(len(numbers), points, 2)
    filled = rows.filled_up(values)
    assert filled.shape == (passes, stacked.size, 2)
    assert torch.equal(filled.flatten(0, 1)[places], values)


def test_all_samples_are_not_copied():
    rows = rows_of(range(2 * SAMPLES))
    stacked = rows.stacked(3)
    assert not stacked.apart
    assert stacked.x.data_ptr() == rows.stacked(1).x.data_ptr()


@given(some_rows, st.data())
def test_some_of_the_rows_keep_their_numbers(numbers, data):
    chosen = sorted(data.draw(st.sets(st.sampled_from(range(len(numbers))), min_size=1)))
    left = rows_of(numbers).chosen(np.array(chosen))
    assert left.numbers.tolist() == [numbers[place] for place in chosen]
    assert set(left.steps) <= {number // SAMPLES for number in numbers}
