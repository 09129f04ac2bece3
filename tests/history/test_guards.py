"""What cannot be explained is refused while it is recorded."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.utils.checkpoint import DefaultDeviceType, checkpoint

import explaind
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


def test_batch_norm_in_training_mode_is_refused(store):
    problem = SGD.but(make_model=lambda: WithModule(nn.BatchNorm1d(5)))
    with pytest.raises(
        UnsupportedError, match=r"'extra' \(BatchNorm1d\).*no sample has a gradient"
    ):
        record(problem, store)


MODE_DEPENDENT = [nn.Dropout(0.5), nn.AlphaDropout(0.5), nn.BatchNorm1d(5)]


@pytest.mark.parametrize("module", MODE_DEPENDENT, ids=lambda module: type(module).__name__)
def test_mode_dependent_layers_in_eval_mode_are_recorded(store, module):
    problem = SGD.but(make_model=lambda: WithModule(module).eval())
    record(problem, store)
    assert is_sealed(store)


class Elsewhere(Mlp):
    """Draws from a generator that is not torch's."""

    def forward(self, x):
        return super().forward(x) * float(RANDOM.uniform())


RANDOM = np.random.default_rng(0)


def test_chance_that_torch_does_not_know_of_is_refused(store):
    with pytest.raises(UnsupportedError, match=r"other outputs .*same random numbers .*numpy"):
        record(SGD.but(make_model=Elsewhere), store)


class Mixing(WithModule):
    """Dropout, and a mean over the batch."""

    def __init__(self):
        super().__init__(nn.Dropout(0.5))

    def forward(self, x):
        return super().forward(x) + x.mean(0)[:3].square()


def test_samples_that_depend_on_each_other_are_told_from_chance(store):
    with pytest.raises(UnsupportedError, match="depends on the other samples"):
        record(SGD.but(make_model=Mixing), store)


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


class OfTwo(Mlp):
    """Called with two inputs, which a batch has as one tuple."""

    def forward(self, first, second):
        return super().forward(first + second)


def trained_on_two(store):
    problem = SGD.but(make_model=OfTwo)
    model = problem.model()
    optimizer, (x, y) = problem.optimizer(model), problem.train_data()
    with explaind.record(model, optimizer, problem.loss_fn, store) as recorder:
        batch = recorder.step_of(torch.arange(len(x)), (x, x), y)
        problem.loss_fn(model(*batch.x), batch.y).mean().backward()
        optimizer.step()


def test_a_model_that_a_loop_calls_in_another_way_is_told_of_forward(store):
    with pytest.raises(UnsupportedError, match=r"missing 1 required.*forward=.*model\(\*x\)"):
        trained_on_two(store)


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


class Differentiating(WithModule):
    """The gradient of an energy with respect to the inputs, as of a physical model."""

    def __init__(self, always):
        super().__init__(nn.Linear(4, 4))
        self.always = always

    def forward(self, x):
        with torch.set_grad_enabled(self.always or torch.is_grad_enabled()):
            x = x.detach().requires_grad_()
            energy = self.extra(x).square().sum()
            (force,) = torch.autograd.grad(energy, x, create_graph=True)
        return Mlp.forward(self, force)


def test_a_model_that_differentiates_is_explained_if_it_says_so(store):
    training = Training(store)
    training.model = Differentiating(always=False).double()
    training.optimizer = SGD.optimizer(training.model)
    with pytest.raises(UnsupportedError, match=r"wrap that in torch\.enable_grad"):
        training.run()
    training = Training(store)
    training.model, training.overwrite = Differentiating(always=True).double(), True
    training.optimizer = SGD.optimizer(training.model)
    assert training.run_and_explain().attrs["completeness_error"] < 1e-10


def test_a_scripted_module_and_a_lazy_one_are_refused(store):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(nn.Linear(4, 3))
    for model, message in (
        (scripted, "a scripted module takes no hooks"),
        (nn.Sequential(nn.LazyLinear(3)), "'0.weight' has no values yet"),
    ):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        with pytest.raises(UnsupportedError, match=message):
            explaind.record(model, optimizer, SGD.loss_fn, store)


class Noisy(Mlp):
    """Noise in both modes."""

    def forward(self, x):
        return super().forward(x + 0.1 * torch.randn_like(x))


def test_noise_in_evaluation_mode_is_warned_of_while_training(store, caplog):
    training = Training(store)
    training.model = Noisy().double()
    training.optimizer = SGD.optimizer(training.model)
    training.run()
    assert caplog.text.count("random numbers in evaluation mode, too") == 1
