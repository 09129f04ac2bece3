"""Forward passes of a step as rows of the store, and back."""

import numpy as np
import pytest
import torch
import xarray as xr

from explaind.errors import RecordingError
from explaind.history.accumulation import Part
from explaind.history.batches import Batch
from explaind.history.forward_passes import ForwardPasses, Room

DIMS = {"forward_pass": ("step", "slot"), "random_state": ("step", "pass", "source", "byte")}


def part(index, **draws):
    states = {source: torch.full((4,), value, dtype=torch.uint8) for source, value in draws.items()}
    return Part(Batch(None, None, torch.tensor(index)), None, [], states)


def rows_of(room, parts):
    samples = sum(len(one.batch.index) for one in parts)
    return room.rows(parts, torch.ones(samples, dtype=torch.float64), 3)


def read(room, steps):
    rows = [rows_of(room, parts) for parts in steps]
    arrays = {
        name: (dims, np.stack([row[name] for row in rows]))
        for name, dims in DIMS.items()
        if name in rows[0]
    }
    dataset = xr.Dataset(arrays, attrs={"room": {"sources": list(room.sources)}})
    for array in dataset.values():
        array.encoding["chunks"] = (1, *array.shape[1:])
    return ForwardPasses(dataset)


def test_passes_of_different_lengths():
    steps = [[part([4, 2, 7]), part([1])], [part([5])]]
    passes = read(Room(2).with_first_step(steps[0]), steps)
    assert [one.rows for one in passes.of_step(0)] == [slice(0, 3), slice(3, 4)]
    assert [one.rows for one in passes.of_step(1)] == [slice(0, 1)]
    assert passes.of_step(0)[0].draws == {}


def test_states_come_back_for_what_drew():
    steps = [[part([4, 2], forward=7, data=1), part([1], forward=9)], [part([5], data=3)]]
    passes = read(Room(2).with_first_step(steps[0]), steps)
    drawn = [
        {source: state.tolist() for source, state in one.draws.items()}
        for step in (1, 0)
        for one in passes.of_step(step)
    ]
    assert drawn == [{"data": [3] * 4}, {"data": [1] * 4, "forward": [7] * 4}, {"forward": [9] * 4}]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([part([0, 1, 2])], "has 3 samples, the store has room for 2"),
        ([part([0], augment=1)], r"not at the first one, by \['augment'\]"),
        ([part([0], forward=1), part([1], forward=2)], "has 2 forward passes"),
    ],
)
def test_what_there_is_no_room_for_is_refused(parts, message):
    room = Room(0).with_first_step([part([0, 1], forward=5)])
    with pytest.raises(RecordingError, match=message):
        rows_of(room, parts)
