"""A gradient that is not that of the loss is found, with the likely cause."""

import pytest
import torch
from torch import nn

from explaind.errors import RecordingError
from explaind.history.accumulation import Part
from explaind.history.batches import Batch
from explaind.history.recording.gradient_check import Loss, is_due
from tests.history.test_accumulation import Loop
from tests.history.training_loop import Training


def test_steps_that_are_looked_at():
    due = [0, 1, 2, 4, 8, 16, 32, 64, 128, 192, 256]
    assert [step for step in range(300) if is_due(step)] == due


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
