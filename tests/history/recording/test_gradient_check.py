"""A gradient that is not that of the loss is found, with the likely cause."""

import pytest
import torch
from torch import nn

from explaind.errors import RecordingError
from explaind.history.accumulation import Part
from explaind.history.batches import Batch
from explaind.history.recording.gradient_check import NUMBERS_AT_ONCE, Loss, is_due, mismatch
from tests.history.test_accumulation import Loop
from tests.history.training_loop import Training


def test_steps_that_are_looked_at():
    due = [0, 1, 2, 4, 8, 16, 32, 64, 128, 192, 256]
    assert [step for step in range(300) if is_due(step)] == due


@pytest.mark.parametrize("place", [0, NUMBERS_AT_ONCE - 1, NUMBERS_AT_ONCE, -1])
@pytest.mark.parametrize("factor", [1.0, 0.25])
def test_a_difference_is_found_wherever_it_is(place, factor):
    """Of two tensors, in single and in double precision, compared piece by piece."""
    torch.manual_seed(0)
    parameters = {
        "long": nn.Parameter(torch.randn(2, NUMBERS_AT_ONCE)),
        "double": nn.Parameter(torch.randn(3, dtype=torch.float64)),
    }
    for parameter in parameters.values():
        parameter.grad = torch.randn_like(parameter)
    own = [factor * parameter.grad for parameter in parameters.values()]
    assert mismatch(own, parameters, factor, None) is None
    length = sum(float(g.double().square().sum()) for g in own) ** 0.5
    own[0].view(-1)[place] += 0.02 * length
    assert "by 2.0e-02 of its length" in mismatch(own, parameters, factor, None)


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


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (1, r"targets of the batch drawn last \(ValueError.*before the next one is drawn"),
        (2, r"step 0 is no weighted sum.*draw no batch ahead"),  # batches of one size
    ],
)
def test_a_loop_that_draws_ahead_is_told(tmp_path, ahead, said):
    """As Lightning does, to know the last batch of a loader without a length."""
    loop, waiting = Loop(tmp_path / "run.zarr"), []

    def body(number, batch):
        waiting.append(batch)
        if number >= ahead:
            loop.optimizer.zero_grad()
            loop.loss(waiting.pop(0)).backward()
            loop.optimizer.step()

    with pytest.raises(RecordingError, match=said):
        loop.run(body)


def test_a_loop_that_calls_the_model_in_another_way_is_told_of_forward():
    """As with labels, for which models of Hugging Face return their loss as well."""
    layer, x = nn.Linear(2, 1), torch.ones(3, 2)
    part = Part(Batch(x, torch.zeros(3), torch.arange(3)), layer(x), [None, torch.ones(3, 1)])
    loss = Loss(layer, lambda output, _: output[:, 0], None)
    with pytest.raises(RecordingError, match=r"gets 2 values.*and 1 come.*forward="):
        loss.gradient([(part, 1.0)], dict(layer.named_parameters()), 1.0, 1.0)
