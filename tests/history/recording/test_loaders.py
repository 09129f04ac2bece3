"""Loaders that read by themselves: whose each row is, and which numbers their transforms drew."""

import pytest
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from explaind.errors import UnsupportedError
from explaind.history.recording.loaders import INNER, DrawnIndices, draw
from tests.kernel.test_random_training import (
    Jittered,
    Training,
    assert_as_oracle,
    drawn_by_numpy,
    drawn_by_torch,
    explained,
    problem_of,
)
from tests.oracles.smooth_models import Mlp


@pytest.fixture
def store(tmp_path):
    return tmp_path / "history.zarr"


class Ahead:
    """Holds a loader and reads a batch ahead of what it yields, as that of Accelerate."""

    def __init__(self, loader):
        setattr(self, INNER, loader)

    def __iter__(self):
        held = None
        for batch in getattr(self, INNER):
            if held is not None:
                yield held
            held = batch
        yield held


WRAPPED = {"an iterator": iter, "a loader around it": Ahead}


def random_loader(training, draw=drawn_by_torch, **options):
    return DataLoader(Jittered(draw), batch_sampler=training.problem.batches(), **options)


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_what_it_drew_is_drawn_again(store, wrap):
    training = Training(problem_of(Mlp))
    loader = random_loader(training)
    training.run(store, wrap(loader))
    assert_as_oracle(explained(training, store, loader), training)


def test_a_collate_function_that_masks_at_random(store):
    """Labels or inputs are drawn for a batch, as for masked language models."""

    def masked(items):
        x, y = (torch.stack(column) for column in zip(*items, strict=True))
        return x * torch.bernoulli(torch.full_like(x, 0.8)), y

    training = Training(problem_of(Mlp))
    loader = random_loader(training, collate_fn=masked)
    training.run(store, Ahead(loader))
    assert_as_oracle(explained(training, store, loader), training)


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_what_is_drawn_elsewhere_is_refused_at_the_first_batch(store, wrap):
    training = Training(problem_of(Mlp))
    with pytest.raises(UnsupportedError, match=r"Sample 0 of the dataset is another one.*numpy"):
        training.run(store, wrap(random_loader(training, drawn_by_numpy)))


def test_what_workers_draw_is_refused_at_the_first_batch(store):
    training = Training(problem_of(Mlp))
    loader = Ahead(random_loader(training, num_workers=1))
    with pytest.raises(UnsupportedError, match=r"do not come again.*\(it has 1\)"):
        training.run(store, loader)


def test_a_training_is_not_changed_by_being_watched():
    """Each sample is collated alone for its checksum: nothing is drawn for that."""

    def padded(items):
        rows = [row if len(items) > 1 else row + torch.rand(()) for row, _ in items]
        return pad_sequence(rows, batch_first=True), torch.stack([y for _, y in items])

    data = [(torch.ones(1 + k % 3), torch.tensor(k)) for k in range(6)]
    loader = DataLoader(data, batch_size=2, collate_fn=padded)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    batches = draw(iter(loader))
    next(batches)
    before = torch.get_rng_state()
    next(batches)
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.equal(expected, torch.rand(3))  # the iterator drew its seed


def test_the_loader_is_given_its_sampler_back():
    loader = DataLoader([(1, 2)] * 5, batch_size=2)
    sampler = loader.batch_sampler
    drawn = DrawnIndices(loader)
    assert len(loader) == 3
    batches = [drawn.batch(batch) for batch in loader]
    assert [batch.index.tolist() for batch in batches] == [[0, 1], [2, 3], [4]]
    drawn.stop()
    assert loader.batch_sampler is sampler
