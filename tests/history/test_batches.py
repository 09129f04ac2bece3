"""Batches remember which samples they hold."""

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from explaind.errors import UnsupportedError
from explaind.history.batches import indexed_batches
from tests.history.training_loop import SGD, Training


def test_indices_are_those_of_the_dataset_behind_a_shuffling_loader(store):
    x, y = SGD.train_data()
    seen = []

    def see(batch):
        torch.testing.assert_close(batch.x, x[batch.index], rtol=0, atol=0)
        torch.testing.assert_close(batch.y, y[batch.index], rtol=0, atol=0)
        seen.extend(batch.index.tolist())

    training = Training(store)
    generator = torch.Generator().manual_seed(0)
    training.loader = DataLoader(TensorDataset(x, y), 5, shuffle=True, generator=generator)
    training.see = see
    training.run()
    assert sorted(seen) == list(range(len(x)))
    assert seen != sorted(seen)


class Stream(IterableDataset):
    def __iter__(self):
        return iter([1, 2, 3])


def test_samples_without_an_index_are_refused():
    with pytest.raises(UnsupportedError, match="map-style dataset"):
        next(indexed_batches(DataLoader(Stream(), 2)))
    with pytest.raises(UnsupportedError, match="map-style dataset"):
        next(indexed_batches(DataLoader(TensorDataset(torch.ones(3)), None)))


@pytest.mark.parametrize("tensors", [1, 3])
def test_batches_that_are_not_pairs_are_refused(tensors):
    loader = DataLoader(TensorDataset(*[torch.ones(4)] * tensors), 2)
    with pytest.raises(
        UnsupportedError, match=rf"batches \(x, y\) or mappings, got list of length {tensors}"
    ):
        next(indexed_batches(loader))


def test_a_collate_function_of_ones_own_is_used():
    def doubled(items):
        return tuple(2 * torch.tensor(column) for column in zip(*items, strict=True))

    dataset = [(1, 10), (2, 20), (3, 30)]
    loader = DataLoader(dataset, batch_size=2, sampler=[2, 0], collate_fn=doubled)
    batch = next(indexed_batches(loader))
    assert (batch.index.tolist(), batch.x.tolist(), batch.y.tolist()) == ([2, 0], [6, 2], [60, 20])
