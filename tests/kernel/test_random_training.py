"""Trainings at random: what was drawn is drawn again, and every sample has its own gradient.

The oracle differentiates one row after the other of the batch that was trained on, drawn once more
from the state that the test itself noted.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.optim import SGD, AdamW
from torch.utils.data import DataLoader, Dataset

import explaind
from explaind.errors import RecordingError, UnsupportedError
from explaind.history.replay.history import History
from tests.kernel.engine import SMOOTH
from tests.kernel.trajectory.test_adjoint import assert_equal_to_oracle
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.forward_path_kernel import explain as oracle_of
from tests.oracles.problems import Problem, cross_entropy, target_log_probability
from tests.oracles.recorded_path import replay
from tests.oracles.smooth_models import CLASSES, FEATURES, Mlp


@pytest.fixture
def store(tmp_path):
    return tmp_path / "history.zarr"


class Dropout(Mlp):
    """Layers with rules around dropout."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.4)

    def forward(self, x):
        return self.last(self.drop(torch.tanh(self.second(self.drop(torch.tanh(self.first(x)))))))


class Noise(Mlp):
    """Parameters without a rule, functional dropout, noise."""

    always = False

    def __init__(self):
        super().__init__()
        self.odd = nn.Parameter(torch.randn(5))

    def forward(self, x):
        hidden = F.dropout(torch.tanh(self.first(x)), 0.3, self.training)
        hidden = torch.tanh(self.second(hidden)) * self.odd.square().cumsum(0)
        if self.training or self.always:
            hidden = hidden + 0.1 * torch.randn_like(hidden)
        return self.last(hidden)


class Attention(nn.Module):
    """A block of a transformer, with dropout of attention weights and of both branches."""

    def __init__(self):
        super().__init__()
        self.up = nn.Linear(1, 4)
        options = {"dropout": 0.3, "activation": F.gelu, "batch_first": True}
        self.block = nn.TransformerEncoderLayer(4, 2, 6, **options)
        self.last = nn.Linear(4 * FEATURES, CLASSES)

    def forward(self, x):
        return self.last(self.block(self.up(x[..., None])).flatten(1))


class Recurrent(nn.Module):
    """An LSTM whose dropout is its own, which no rule unrolls."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 3, 2, dropout=0.4, batch_first=True)
        self.last = nn.Linear(3, CLASSES)

    def forward(self, x):
        return self.last(self.lstm(x[..., None])[0][:, -1])


def problem_of(model, batches=((0, 3, 5, 1), (7, 2, 4, 6), (9, 8), (0, 1, 2, 3), (11, 10))):
    return Problem(
        model.__name__,
        lambda m: AdamW(m.parameters(), 0.05, weight_decay=0.1),
        make_model=model,
        drawn=batches,
    )


class Training:
    """A loop over batches of which some make a step; the state before each pass is noted."""

    def __init__(self, problem, passes=1):
        self.problem, self.passes = problem, passes
        self.states, self.inputs = [], []
        self.model = problem.model().train()
        self.optimizer = problem.optimizer(self.model)

    def run(self, store, loader=None, **options):
        torch.manual_seed(1)
        data = loader or DataLoader(
            list(zip(*self.problem.train_data(), strict=True)),
            batch_sampler=self.problem.batches(),
        )
        options = {"max_batch_size": 8, **options}
        with explaind.record(
            self.model, self.optimizer, cross_entropy, store, **options
        ) as recorder:
            for number, batch in enumerate(recorder.batches(data), 1):
                self.states.append(torch.get_rng_state())
                self.inputs.append(batch.x)
                loss = cross_entropy(self.model(batch.x), batch.y).mean()
                (loss / self.passes).backward()
                if number % self.passes == 0:
                    self.optimizer.step()
                    self.optimizer.zero_grad()
                    torch.rand(3)  # anything else may draw in between
        return self.model

    def path(self):
        """The oracle's training along what was noted."""
        (_, y), batches = self.problem.train_data(), self.problem.batches()
        model = self.problem.model().train()
        places = [
            {sample: (number, row) for number in own for row, sample in enumerate(batches[number])}
            for own in np.arange(len(batches)).reshape(-1, self.passes).tolist()
        ]

        def loss_of(sample, step):
            number, row = places[step][sample]
            rows = batches[number]
            torch.set_rng_state(self.states[number])
            return cross_entropy(model(self.inputs[number]), y[rows])[row]

        steps = [
            [(sample, 1 / len(batches[n]) / self.passes) for sample, (n, _) in own.items()]
            for own in places
        ]
        with torch.random.fork_rng(devices=[]):
            path = replay(model, self.problem.optimizer(model), loss_of, len(y), steps)
        path.model.eval()
        return path


def explained(training, store, data=None, model=None, **options):
    names = {name: name for name, _ in training.model.named_parameters()}
    kernel = explaind.PathKernel(
        store,
        (model or training.model).eval(),
        cross_entropy,
        data or training.problem.train_data(),
        components=names,
        quadrature=SMOOTH,
        **options,
    )
    return kernel.explain(*training.problem.test_data(), intervals=2)


def assert_as_oracle(found, training):
    path = training.path()
    queries = training.problem.test_data()
    oracle = oracle_of(path, target_log_probability, *queries, gauss_legendre_nodes(3))
    assert_equal_to_oracle(found, oracle, list(path.tensors))


@pytest.mark.parametrize("model", [Dropout, Noise, Attention, Recurrent])
def test_every_array_equals_the_oracle_with_the_same_random_numbers(store, model):
    training = Training(problem_of(model))
    training.run(store)
    torch.manual_seed(7)
    drawn, again = explained(training, store), torch.rand(1)
    torch.manual_seed(7)
    assert torch.equal(again, torch.rand(1))  # nothing was drawn from the user's generator
    assert_as_oracle(drawn, training)


def test_each_batch_of_a_step_has_its_own_random_numbers(store):
    batches = ((0, 3, 5), (1, 2), (7, 4, 6), (9, 8), (0, 1, 2), (11, 10))
    training = Training(problem_of(Dropout, batches), passes=2)
    training.run(store)
    assert_as_oracle(explained(training, store), training)


def test_the_state_is_that_of_the_forward_pass(store):
    """Not that of the checks, nor of what else drew."""
    training = Training(problem_of(Dropout))
    training.run(store)
    history = History(store)
    for step, state in enumerate(training.states):
        (one,) = history.forward_passes(step)
        assert torch.equal(one.draws["forward"], state)


def jittered(x, index, step):
    return x + 0.3 * torch.randn_like(x)


def test_an_augmentation_draws_the_same_again(store):
    training = Training(problem_of(Dropout))
    training.run(store, augment=jittered)
    assert_as_oracle(explained(training, store, augment=jittered), training)


class Jittered(Dataset):
    """Samples at random, as by a random transform."""

    def __init__(self, draw):
        self.x, self.y = problem_of(Mlp).train_data()
        self.draw = draw

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i] + 0.3 * self.draw(FEATURES), self.y[i]


def drawn_by_torch(size):
    return torch.randn(size, dtype=torch.float64)


RANDOM = np.random.default_rng(0)


def drawn_by_numpy(size):
    return torch.from_numpy(RANDOM.normal(size=size))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_dataset_with_a_random_transform_is_read_again_as_it_was(store, workers):
    training = Training(problem_of(Mlp))
    batches = training.problem.batches()
    data = DataLoader(Jittered(drawn_by_torch), batch_sampler=batches, num_workers=workers)
    training.run(store, data)
    assert_as_oracle(explained(training, store, data), training)


def test_a_dataset_that_draws_elsewhere_is_refused_at_the_first_batch(store):
    training = Training(problem_of(Mlp))
    data = DataLoader(Jittered(drawn_by_numpy), batch_sampler=training.problem.batches())
    with pytest.raises(UnsupportedError, match=r"Sample 0 of the dataset is another one.*numpy"):
        training.run(store, data)


def test_a_checkpointed_history_draws_the_same_again(tmp_path):
    batches = ((0, 3, 5), (1, 2), (7, 4, 6), (9, 8), (0, 1, 2), (11, 10))
    found = []
    for every in (1, 2):
        store = tmp_path / f"{every}.zarr"
        training = Training(problem_of(Dropout, batches), passes=2)
        training.run(store, every=every, augment=jittered)
        found.append(explained(training, store, augment=jittered))
    for name in found[0]:
        np.testing.assert_array_equal(*(one[name] for one in found), err_msg=name)


def test_another_mode_in_between_is_refused(store):
    training = Training(problem_of(Attention))

    def switched(x, index, step):
        training.model.block.dropout1.train(step != 2)
        return x

    with pytest.raises(RecordingError, match=r"'block.dropout1' changed .* before step 2"):
        training.run(store, augment=switched)


def test_dropout_that_begins_later_is_refused(store):
    training = Training(problem_of(Dropout))

    def switched(x, index, step):
        training.model.train(step > 1)
        return x

    with pytest.raises(RecordingError, match=r"drawn at step 2 that were not at the first one"):
        training.run(store, augment=switched)


def test_outputs_that_evaluation_mode_leaves_random_are_refused(store, monkeypatch):
    training = Training(problem_of(Noise))
    training.run(store)
    monkeypatch.setattr(Noise, "always", True)
    with pytest.raises(UnsupportedError, match=r"explained output is random.*if self.training"):
        explained(training, store)


def test_parts_of_the_losses_add_up(store):
    """Rows of a random batch are taken apart without another draw."""
    training = Training(problem_of(Dropout).but(optimizer=lambda m: SGD(m.parameters(), lr=0.1)))
    training.run(store)
    kernel = explaind.PathKernel(
        store, training.model, cross_entropy, training.problem.train_data(), quadrature=SMOOTH
    )
    queries = training.problem.test_data()

    def halves(output, target):
        return torch.stack(2 * [cross_entropy(output, target) / 2], 1)

    parts = kernel.explain_parts(*queries, halves, [3, 8, 11]).influence_by_part
    whole = kernel.explain(*queries).influence[..., [3, 8, 11]]
    np.testing.assert_allclose(parts.sum("part"), whole, rtol=1e-9, atol=1e-13)
