"""What cannot be explained is refused while it is recorded, with a message that says what to do."""

import re

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from explaind.errors import ConfigError, RecordingError, StoreError, UnsupportedError
from explaind.history.guards import check_finite
from tests.history.training_loop import SGD, Training
from tests.kernel.engine import explain, record
from tests.oracles.problems import cross_entropy, vectors
from tests.oracles.smooth_models import Mlp


@pytest.fixture
def store(tmp_path):
    return tmp_path / "run.zarr"


def is_sealed(store):
    return (store / "seal.json").exists()


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


@pytest.mark.parametrize("name", ["Adagrad", "RMSprop", "LBFGS", "NAdam"])
def test_an_unknown_optimizer_is_refused_with_the_supported_table(store, name):
    problem = SGD.but(optimizer=lambda model: getattr(torch.optim, name)(model.parameters()))
    with pytest.raises(UnsupportedError) as error:
        record(problem, store)
    for expected in (name, "SGD", "momentum", "dampening", "Nesterov", "Adam", "AdamW", "AMSGrad"):
        assert re.search(rf"\b{expected}\b", str(error.value), re.IGNORECASE), expected
    assert not store.exists()


class SignDescent(torch.optim.SGD):
    """An optimizer of one's own, derived from a supported one."""

    @torch.no_grad()
    def step(self):
        for parameter in self.param_groups[0]["params"]:
            parameter.sub_(0.1 * parameter.grad.sign())


def test_a_subclass_with_another_step_is_not_taken_for_its_parent(store):
    problem = SGD.but(optimizer=lambda model: SignDescent(model.parameters(), lr=0.1))
    with pytest.raises(UnsupportedError, match="SignDescent"):
        record(problem, store)


def test_large_parameters_are_finite_though_their_sum_is_not():
    check_finite(torch.full((4,), 3e38), "it", 0)
    for value in (float("inf"), float("nan")):
        with pytest.raises(RecordingError, match="it is not finite at step 7"):
            check_finite(torch.tensor([1.0, value, -value]), "it", 7)


@pytest.mark.parametrize("every", [1, 2])
def test_a_group_added_while_recording_is_refused(store, every):
    training = Training(store)
    training.every = every
    frozen = nn.Parameter(torch.zeros(2))
    training.after_step = lambda: training.optimizer.add_param_group({"params": [frozen]})
    with pytest.raises(
        RecordingError, match=r"groups of \[6, 1\] tensors at step 1, expected \[6\]"
    ):
        training.run()
    assert not is_sealed(store)


def test_gradient_ascent_is_refused(store):
    ascent = SGD.but(optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.1, maximize=True))
    with pytest.raises(UnsupportedError, match="maximize"):
        record(ascent, store)


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


def test_theta_0_is_what_the_first_step_started_from(store):
    """Weights changed after ``record`` began but before the first step were once overlooked."""
    training = Training(store)
    training.before_training = lambda: training.model.last.weight.data.mul_(3.0)
    result = training.run_and_explain()
    start = SGD.model()
    start.last.weight.data.mul_(3.0)
    expected = start(SGD.test_data()[0]).detach()
    torch.testing.assert_close(torch.from_numpy(result.initial_output.values), expected)
    assert abs(result.residual.values).max() < 1e-9


def test_weights_changed_outside_the_optimizer_are_refused(store):
    training = Training(store)
    training.after_step = lambda: training.model.last.weight.data.mul_(0.9)
    with pytest.raises(RecordingError, match="step 1"):
        training.run()
    assert not is_sealed(store)


def test_a_change_after_the_training_does_not_enter_the_history(store):
    training = Training(store)
    training.run()
    x, _ = SGD.test_data()
    final = training.model(x).detach()
    training.model.last.weight.data.zero_()
    result = explain(SGD, store, training.model, outputs="all")
    torch.testing.assert_close(torch.from_numpy(result.final_output.values), final)


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


def test_clipping_behind_the_recorder_is_noticed(store):
    """The gradients of the samples then do not add up to the recorded step."""
    training = Training(store)
    weights = list(training.model.parameters())
    training.before_step = lambda _: torch.nn.utils.clip_grad_norm_(weights, 0.05)
    with pytest.raises(RecordingError, match=r"clip_grad_norm_"):
        training.run_and_explain()


def test_clipping_through_the_recorder_returns_the_norm_and_is_explained(store):
    """As ``torch.nn.utils.clip_grad_norm_`` does; without the factor the parts would not add up."""
    norms = []
    training = Training(store)
    training.before_step = lambda recorder: norms.append(float(recorder.clip_grad_norm_(0.05)))
    result = training.run_and_explain()
    free = SGD.model()
    x, y = SGD.train_data()
    first = SGD.batches()[0]
    cross_entropy(free(x[first]), y[first]).mean().backward()
    norm = torch.cat([p.grad.flatten() for p in free.parameters()]).norm()
    assert norms[0] == pytest.approx(float(norm), rel=1e-12)
    assert norms[0] > 0.05
    assert abs(result.residual.values).max() < 1e-9


def test_clipping_twice_multiplies(store):
    def clip_twice(recorder):
        recorder.clip_grad_norm_(0.2)
        recorder.clip_grad_norm_(0.1)

    training = Training(store)
    training.before_step = clip_twice
    assert abs(training.run_and_explain().residual.values).max() < 1e-9


def test_a_mean_recorded_as_a_sum_is_noticed(store):
    """The loop averages, but ``record`` was told that it sums."""
    training = Training(store)
    training.reduction = "sum"
    with pytest.raises(RecordingError, match="reduction"):
        training.run_and_explain()


def test_gradient_accumulation_is_refused(store):
    """Two batches for one step."""
    training = Training(store)
    training.step = lambda: None
    with pytest.raises(RecordingError, match=r"(?i)accumulat"):
        training.run()


def test_two_steps_on_one_batch_are_refused(store):
    training = Training(store)
    training.after_step = training.optimizer.step
    with pytest.raises(RecordingError, match="batch"):
        training.run()


def test_a_step_without_a_recorded_batch_is_refused(store):
    training = Training(store)
    training.before_training = training.optimizer.step
    with pytest.raises(RecordingError, match="batches"):
        training.run()


def test_an_optimizer_that_has_taken_steps_is_refused(store):
    """Its momentum would come from samples that nobody recorded."""
    training = Training(store)
    model = training.model
    training.optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = SGD.train_data()
    cross_entropy(model(x), y).mean().backward()
    training.optimizer.step()
    with pytest.raises(RecordingError, match="step"):
        training.run()


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


def test_an_interrupted_training_is_never_read_as_a_history(store):
    def interrupt():
        raise KeyboardInterrupt

    training = Training(store)
    training.after_step = interrupt
    with pytest.raises(KeyboardInterrupt):
        training.run()
    assert not is_sealed(store)
    with pytest.raises(StoreError, match=re.escape(store.name)):
        explain(SGD, store, training.model)
