"""What cannot be explained is refused while it is recorded."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.utils.checkpoint import DefaultDeviceType, checkpoint

from explaind.errors import RecordingError, UnsupportedError
from explaind.history.guards import check_finite, check_separable_loss
from explaind.store import is_sealed
from tests.history.training_loop import SGD, Training
from tests.kernel.engine import record
from tests.oracles.problems import vectors
from tests.oracles.smooth_models import Mlp


class WithModule(Mlp):
    """The MLP with one more module in front of its last layer."""

    def __init__(self, module):
        super().__init__()
        self.extra = module

    def forward(self, x):
        return self.last(self.extra(torch.tanh(self.second(torch.tanh(self.first(x))))))


MODE_DEPENDENT = [nn.Dropout(0.5), nn.AlphaDropout(0.5), nn.BatchNorm1d(5)]


@pytest.mark.parametrize("module", MODE_DEPENDENT, ids=lambda module: type(module).__name__)
def test_random_or_batch_dependent_layers_in_train_mode_are_refused(store, module):
    problem = SGD.but(make_model=lambda: WithModule(module.train()))
    with pytest.raises(UnsupportedError, match="extra"):
        record(problem, store)


@pytest.mark.parametrize("module", MODE_DEPENDENT, ids=lambda module: type(module).__name__)
def test_the_same_layers_in_eval_mode_are_recorded(store, module):
    problem = SGD.but(make_model=lambda: WithModule(module).eval())
    record(problem, store)
    assert is_sealed(store)


def test_dropout_switched_on_between_two_steps_is_refused(store):
    training = Training(store)
    training.model = SGD.but(make_model=lambda: WithModule(nn.Dropout(0.5)).eval()).model()
    training.optimizer = SGD.optimizer(training.model)
    training.after_step = training.model.train
    with pytest.raises(UnsupportedError, match="extra"):
        training.run()


class Hidden(nn.Module):
    """Chance that no dropout layer tells of."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.first, self.last = kind, nn.Linear(4, 8), nn.Linear(8, 3)
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.001, batch_first=True)
        self.lstm = nn.LSTM(8, 8, 2, dropout=0.001, batch_first=True)
        for module in (self.attention, self.lstm):
            module.requires_grad_(False)

    def forward(self, x):
        h = self.first(x)[:, None].expand(-1, 3, -1)
        if self.kind == "attention":
            h = self.attention(h, h, h)[0]
        elif self.kind == "lstm":
            h = self.lstm(h)[0]
        elif self.kind == "functional":
            h = F.dropout(h, 0.001, self.training)
        elif self.kind == "noise":
            h = h + 0.001 * torch.randn_like(h)
        elif self.kind == "numpy":
            h = h * float(RANDOM.uniform())
        return self.last(h.mean(1))


RANDOM = np.random.default_rng(0)
CHANCE = {
    "attention": r"Layer 'attention' \(MultiheadAttention\) draws random numbers",
    "lstm": r"Layer 'lstm' \(LSTM\) draws random numbers",
    "functional": r"The forward pass draws random numbers .*functional dropout",
    "noise": r"The forward pass draws random numbers .*noise",
    "numpy": "gives other outputs when it is called again",
}


@pytest.mark.parametrize("kind", CHANCE)
def test_chance_that_no_layer_tells_of_is_refused(store, kind):
    """However weak: a dropout of one in a thousand leaves most small batches alone."""
    with pytest.raises(UnsupportedError, match=CHANCE[kind]):
        record(SGD.but(make_model=lambda: Hidden(kind)), store)


class Counting(nn.Linear):
    """A layer that counts its calls, on which its outputs hardly depend."""

    def __init__(self):
        super().__init__(5, 5)
        self.register_buffer("calls", torch.tensor(0.0))

    def forward(self, x):
        self.calls += 1
        return super().forward(x) + 1e-9 * self.calls


def test_a_state_of_the_model_is_refused_at_the_first_step(store):
    problem = SGD.but(make_model=lambda: WithModule(Counting()))
    with pytest.raises(UnsupportedError, match=r"Buffer 'extra.calls' changes .* at step 0"):
        record(problem, store)


def test_large_parameters_are_finite_though_their_sum_is_not():
    check_finite(torch.full((4,), 3e38), "it", 0)
    for value in (float("inf"), float("nan")):
        with pytest.raises(RecordingError, match="it is not finite at step 7"):
            check_finite(torch.tensor([1.0, value, -value]), "it", 7)


def scalar_loss(output, target):
    return F.cross_entropy(output, target)


def coupled_loss(output, target):
    """One number per sample, but each depends on the whole batch."""
    return F.cross_entropy(output - output.mean(0), target, reduction="none")


def loss_per_output(output, target):
    return (output - 1.0).square()


@pytest.mark.parametrize("loss_fn", [scalar_loss, coupled_loss, loss_per_output])
def test_a_loss_that_is_not_one_number_per_sample_is_refused(store, loss_fn):
    with pytest.raises(UnsupportedError, match=r"(?i)per[- ]sample|each sample|one (number|loss)"):
        record(SGD.but(loss_fn=loss_fn), store)


def test_a_nan_loss_names_the_step(store):
    data = vectors(4, seed=0)
    data[0][3] = float("nan")
    with pytest.raises(RecordingError, match=r"(?i)(nan|finite).*step 2|step 2.*(nan|finite)"):
        record(SGD, store, data=data, batches=[[0, 1], [1, 2], [2, 3], [0, 1]])
    assert not is_sealed(store)


def test_an_infinite_gradient_names_the_step(store):
    def spoil(recorder):
        if recorder.steps == 1:
            training.model.last.weight.grad[0, 0] = float("inf")

    training = Training(store)
    training.before_step = spoil
    with pytest.raises(RecordingError, match=r"(?i)(inf|finite).*step 1|step 1.*(inf|finite)"):
        training.run()


def test_a_loss_of_pytrees_is_accepted():
    """Inputs and targets may be any pytrees."""
    x = {"a": torch.randn(5, 2), "b": torch.randn(5, 3)}
    y = {"a": torch.zeros(5, 2)}

    def model(inputs):
        return inputs["a"] * inputs["b"].sum(1, keepdim=True)

    check_separable_loss(model, lambda output, target: (output - target["a"]).square().sum(1), x, y)


class Reentrant(Mlp):
    """The MLP with an activation checkpoint that takes no gradient by `torch.autograd.grad`."""

    def forward(self, x):
        hidden = checkpoint(self.second, torch.tanh(self.first(x)), use_reentrant=True)
        return self.last(torch.tanh(hidden))


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
def test_a_model_that_cannot_be_differentiated_for_one_sample_is_refused(store, monkeypatch):
    monkeypatch.setattr(DefaultDeviceType, "_default_device_type", "cpu")  # not the simulated one
    with pytest.raises(UnsupportedError, match="use_reentrant=False"):
        record(SGD.but(make_model=Reentrant), store)
