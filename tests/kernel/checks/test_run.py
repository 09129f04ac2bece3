"""What is explained with is what was recorded with; chance above all (data: `test_defects`)."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

import explaind
from explaind.errors import ConfigError, RecordingError, UnsupportedError
from tests.history.test_guards import WithModule
from tests.history.training_loop import SGD
from tests.kernel.engine import explain, record
from tests.kernel.test_random_training import Dropout, Training, explained, problem_of
from tests.oracles.problems import cross_entropy
from tests.oracles.smooth_models import CLASSES, FEATURES, Mlp


@pytest.fixture
def store(tmp_path):
    return tmp_path / "history.zarr"


def test_dropout_that_was_not_recorded_is_refused(store):
    problem = SGD.but(make_model=lambda: WithModule(nn.Dropout(0.5)).eval())
    model = record(problem, store)
    with pytest.raises(UnsupportedError, match=r"'extra' \(Dropout\) is in training mode"):
        explain(problem, store, model.train())


def test_another_dropout_is_refused(store):
    training = Training(problem_of(Dropout))
    training.run(store)
    other = training.problem.model()
    other.drop.p = 0.2
    with pytest.raises(RecordingError, match="dropout must have the same probability"):
        explained(training, store, model=other)


def test_numbers_of_another_device_are_refused(store):
    training = Training(problem_of(Dropout))
    training.run(store)
    with pytest.raises(ConfigError, match="device: expected cpu"):
        explained(training, store, device="meta")


class Masked(nn.Module):
    """Pools the places of a sequence that are not padding."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(FEATURES, CLASSES)

    def forward(self, x):
        return (torch.tanh(self.layer(x)) * (x != 0).any(-1, keepdim=True)).sum(1)


ITEMS = [
    (torch.full((1 + k % 3, FEATURES), 0.1 + k / 10), torch.tensor(k % CLASSES)) for k in range(8)
]


def padded(items):
    return pad_sequence([x for x, _ in items], batch_first=True), torch.stack([y for _, y in items])


def test_samples_that_a_loop_pads_itself(store):
    """Compared in the batches that they were in; another sample is told."""
    model = Masked()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with explaind.record(model, optimizer, cross_entropy, store, max_batch_size=3) as recorder:
        for rows in ([0, 3], [0, 1, 2], [4, 5], [6, 7, 3]):
            batch = recorder.step_of(torch.tensor(rows), *padded([ITEMS[k] for k in rows]))
            optimizer.zero_grad()
            cross_entropy(model(batch.x), batch.y).mean().backward()
            optimizer.step()
    kernel = explaind.PathKernel(store, model, cross_entropy, ITEMS, collate_fn=padded)
    found = kernel.explain(*padded(ITEMS[:2]))
    assert found.attrs["completeness_error"] < 1e-5
    other = [*ITEMS[:7], (ITEMS[7][0] + 1, ITEMS[7][1])]
    with pytest.raises(ConfigError, match="Sample 7 of train_data is not the one"):
        explaind.PathKernel(store, model, cross_entropy, other, collate_fn=padded)


class Paths(Mlp):
    """Leaves a branch out at random; in another floating type other numbers are drawn."""

    def forward(self, x):
        hidden = torch.tanh(self.first(x))
        kept = torch.rand(len(x), 1, dtype=x.dtype) > 0.2 if self.training else 0.5
        return self.last(torch.tanh(kept * self.second(hidden)))


def test_numbers_that_agree_at_the_first_step_by_chance(store):
    training = Training(problem_of(Paths, ((0, 3), (5, 1, 4, 7), (2, 6, 8, 9))))
    training.model.float()
    x, y = training.problem.train_data()
    data = [(row.float(), label) for row, label in zip(x, y, strict=True)]
    training.run(store, DataLoader(data, batch_sampler=training.problem.batches()))
    with pytest.raises(RecordingError, match=r"recorded step 1 does not follow.*floating type"):
        explained(training, store, dtype=torch.float64)
