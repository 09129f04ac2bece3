"""The data explained must be the data recorded."""

import pytest
import torch

from explaind.errors import ConfigError, RecordingError
from explaind.history.checksums import UNSEEN, ChecksumTable, sample_checksums
from tests.history.training_loop import SGD
from tests.kernel.engine import explain, record


def swapped(tensor):
    """Two samples of the second batch in each other's place: no sum over a batch shows it."""
    first, second = SGD.batches()[1][:2]
    order = list(range(len(tensor)))
    order[first], order[second] = second, first
    return tensor[order]


CHANGES = {
    "order": lambda x, y: (x.flip(0), y.flip(0)),
    "values": lambda x, y: (1.01 * x, y),
    "labels": lambda x, y: (x, (y + 1) % 3),
    "fewer": lambda x, y: (x[:8], y[:8]),
    "two samples of a batch swapped": lambda x, y: (swapped(x), swapped(y)),
    "one value": lambda x, y: (x + 0.1 * (torch.arange(len(x)) == SGD.batches()[1][0])[:, None], y),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_training_data_than_was_recorded_are_noticed(store, change):
    model = record(SGD, store)
    data = CHANGES[change](*SGD.train_data())
    with pytest.raises((RecordingError, ConfigError), match="train_data"):
        explain(SGD, store, model, data=data)


def test_checksums_are_those_of_float32_whatever_the_precision():
    x = torch.tensor([[0.5, 2.0], [0.5, 2.0], [0.5, 2.5]])
    y = torch.tensor([1, 1, 1])
    first, second, third = sample_checksums(x, y)
    assert first == second != third
    assert sample_checksums(x.double(), y).tolist() == [first, second, third]
    assert sample_checksums({"a": x, "b": 2 * x}, y)[0] != first


def test_the_table_keeps_the_first_checksum_of_a_sample():
    table = ChecksumTable()
    table.see(torch.tensor([3, 1]), torch.tensor([[1.0], [2.0]]), torch.tensor([0, 0]))
    seen = table.values.tolist()
    assert [value == UNSEEN for value in seen] == [True, False, True, False]
    table.see(torch.tensor([1, 2]), torch.tensor([[5.0], [6.0]]), torch.tensor([0, 0]))
    assert table.values[[0, 1, 3]].tolist() == [seen[0], seen[1], seen[3]]
    assert table.values[2] != UNSEEN
