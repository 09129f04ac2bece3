"""A gradient that is not that of the loss is found, with the likely cause."""

import copy

import pytest
import torch

from explaind.errors import RecordingError
from explaind.history.gradient_check import is_due
from tests.history.training_loop import SGD, Training
from tests.oracles.problems import cross_entropy
from tests.oracles.smooth_models import Mlp


def test_steps_that_are_looked_at():
    assert [step for step in range(300) if is_due(step)] == [0, 1, 4, 16, 64, 256]


def small_ridge(model):
    """Less than one part in a hundred of the gradient."""
    sum(1e-3 * value.square().sum() for value in model.parameters()).backward()


def norm_of_the_first(model):
    model.first.weight.norm().backward()


def one_tensor_doubled(model):
    model.second.weight.grad *= 2


CAUSES = {
    "an L2 penalty": (small_ridge, r"0\.002 times the parameters, an L2 penalty"),
    "another penalty": (norm_of_the_first, "has another part"),
    "scaled apart": (one_tensor_doubled, "every tensor is a multiple"),
}


@pytest.mark.parametrize(("change", "cause"), CAUSES.values(), ids=CAUSES)
def test_the_first_step_names_the_cause(store, change, cause):
    training = Training(store)
    training.before_step = lambda _: change(training.model)
    with pytest.raises(RecordingError, match=rf"gradient of step 0 differs.*{cause}"):
        training.run()


def test_later_steps_are_warned_of(store, caplog):
    training = Training(store)

    def later(recorder):
        if recorder.steps == 1:
            one_tensor_doubled(training.model)

    training.before_step = later
    training.run()
    assert "gradient of step 1 differs from that of loss_fn" in caplog.text


class Normalising(Mlp):
    """Changes its inputs in place."""

    def forward(self, x):
        return super().forward(x.sub_(0.5).div_(2.0))


def test_a_model_that_changes_its_inputs_in_place(store):
    """Checks and kernel give it copies: the same numbers as from inputs prepared before."""
    training = Training(store)
    training.model = SGD.but(make_model=Normalising).model()
    training.optimizer = SGD.optimizer(training.model)
    result = training.run_and_explain()
    queries, _ = SGD.test_data()
    expected = Mlp.forward(training.model, (queries - 0.5) / 2)
    torch.testing.assert_close(torch.from_numpy(result.final_output.values), expected.detach())
    assert abs(result.residual.values).max() < 1e-9


def test_checks_leave_the_training_as_it_would_be(store):
    """Parameters, gradients and random numbers are those of the loop without a recorder."""
    torch.manual_seed(3)
    training = Training(store)
    plain = copy.deepcopy(training.model)
    optimizer = SGD.optimizer(plain)
    training.run()
    drawn = torch.rand(1)
    torch.manual_seed(3)
    for x, y in training.loader:
        optimizer.zero_grad()
        cross_entropy(plain(x), y).mean().backward()
        optimizer.step()
    for mine, other in zip(training.model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(mine, other)
    assert torch.equal(drawn, torch.rand(1))
