"""The gradient of a step is looked at without a trace; a later difference ends no training."""

import copy

import pytest
import torch

from tests.history.recording.test_gradient_check import one_tensor_doubled
from tests.history.training_loop import SGD, Training
from tests.oracles.problems import cross_entropy
from tests.oracles.smooth_models import Mlp
from tests.support.training import Case, assert_right, explained, oracle, recorded


def test_later_steps_are_warned_of(store, caplog):
    training = Training(store)

    def later(recorder):
        if recorder.steps == 1:
            one_tensor_doubled(training.model)

    training.before_step = later
    training.run()
    assert "gradient of step 1 differs from that of loss_fn" in caplog.text


@pytest.mark.parametrize(
    "loop",
    [
        "`torch.nn.utils.clip_grad_norm_` of all",
        "`GradScaler`, and a step that it skips",
        "gradients of several batches add up",
    ],
)
def test_a_penalty_is_clipped_and_scaled_with_the_losses_or_apart(loop, store):
    """It is in the loss, and clipped with it; or in a backward pass of its own."""
    case = Case(losses="a penalty that is no square", loops=loop)
    assert_right(explained(recorded(case, store), store), *oracle(case))


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
