"""Batches remember which samples they hold."""

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from explaind.errors import UnsupportedError
from explaind.history.batches import Batch, indexed_batches
from explaind.history.checksums import check_sample_first, whole_checksum
from explaind.trees import collated, rows_of
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


def test_batches_of_three_tensors_are_refused():
    loader = DataLoader(TensorDataset(*[torch.ones(4)] * 3), 2)
    expected = r"batches \(x, y\), x alone or mappings, got list of length 3"
    with pytest.raises(UnsupportedError, match=expected):
        next(indexed_batches(loader))


@pytest.mark.parametrize("items", [list, TensorDataset])
def test_a_batch_of_inputs_alone_is_its_own_target(items):
    batch = next(indexed_batches(DataLoader(items(torch.arange(4.0)), 2)))
    assert batch.x.tolist() == batch.y.tolist() == [0, 1]


def test_a_collate_function_of_ones_own_is_used():
    def doubled(items):
        return tuple(2 * torch.tensor(column) for column in zip(*items, strict=True))

    dataset = [(1, 10), (2, 20), (3, 30)]
    loader = DataLoader(dataset, batch_size=2, sampler=[2, 0], collate_fn=doubled)
    batch = next(indexed_batches(loader))
    assert (batch.index.tolist(), batch.x.tolist(), batch.y.tolist()) == ([2, 0], [6, 2], [60, 20])


RAGGED = {
    "nodes": (torch.zeros(6, 2), r"x\['nodes'\] of a batch of 3 samples: .* shape \(6, 2\)"),
    "name": ("a", r"x\['name'\] of a batch: .* got str"),
    "time": (torch.tensor(0.5), r"x\['time'\] of a batch of 3 samples: .* shape \(\)"),
}


@pytest.mark.parametrize("name", RAGGED)
def test_what_has_no_row_for_each_sample_is_refused(name):
    leaf, message = RAGGED[name]
    with pytest.raises(UnsupportedError, match=message):
        check_sample_first({"ids": torch.zeros(3, 4), name: leaf}, torch.zeros(3), 3)


def concatenated(items):
    nodes = torch.cat([x[None].expand(2, -1) for x, _ in items])
    return {"nodes": nodes}, torch.stack([y for _, y in items])


def test_concatenated_samples_are_collated_alone_where_they_are_needed():
    items = list(zip(*SGD.train_data(), strict=True))
    loader = DataLoader(items, sampler=[4, 0, 2], batch_size=3, collate_fn=concatenated)
    batch = next(indexed_batches(loader))
    x, y = collated(rows_of(batch.samples, 1, 2))
    assert batch.x["nodes"].shape[0] == 6
    torch.testing.assert_close(x["nodes"], items[0][0].expand(2, -1), rtol=0, atol=0)
    assert y.tolist() == [int(items[0][1])]
    alone = [whole_checksum(*concatenated([items[i]])) for i in (4, 0, 2)]
    assert batch.checksums.tolist() == alone


def test_concatenated_samples_are_refused_where_no_loader_makes_them(store):
    training = Training(store)
    items = list(zip(*SGD.train_data(), strict=True))
    training.loader = [Batch(*concatenated(items[:3]), torch.arange(3))]
    with pytest.raises(UnsupportedError, match=r"x\['nodes'\] of a batch of 3.*by a collate_fn"):
        training.run()


def test_inputs_and_targets_move_to_a_device_the_index_stays():
    batch = Batch({"a": torch.ones(2)}, (torch.ones(2), 3), torch.arange(2))
    moved = batch.to("meta", non_blocking=True)
    assert moved.x["a"].device.type == moved.y[0].device.type == "meta"
    assert moved.y[1] == 3
    assert moved.index is batch.index
    assert batch.x["a"].device.type == "cpu"
