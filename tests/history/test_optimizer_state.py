"""What an optimizer is rebuilt from."""

import copy

import pytest
import torch

from explaind.errors import RecordingError, UnsupportedError
from explaind.history.layout import ParameterLayout
from explaind.history.optimizer_state import (
    flags,
    load_state_vectors,
    option_names,
    option_values,
    rebuild,
    set_options,
    state_names,
    state_vectors,
)
from tests.history.training_loop import Training


def test_momentum_switched_on_late_is_refused_while_recording(tmp_path):
    training = Training(tmp_path / "run.zarr")
    training.every = 2
    training.after_step = lambda: training.optimizer.param_groups[0].update(momentum=0.9)
    with pytest.raises(RecordingError, match="momentum_buffer"):
        training.run()


def test_a_flag_changed_while_recording_is_refused(tmp_path):
    training = Training(tmp_path / "run.zarr")
    training.every = 2
    training.after_step = lambda: training.optimizer.param_groups[0].update(foreach=True)
    with pytest.raises(RecordingError, match="changed before step 1"):
        training.run()


def test_learning_rate_that_is_a_tensor_is_refused(tmp_path):
    training = Training(tmp_path / "run.zarr")
    training.every = 2
    training.optimizer.param_groups[0]["lr"] = torch.tensor(0.1)
    with pytest.raises(UnsupportedError, match="lr is a tensor"):
        training.run()


KINDS = {
    "sgd": lambda p: torch.optim.SGD([{"params": p, "lr": 0.3}], lr=0.1, momentum=0.9),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.3, betas=(0.8, 0.95), amsgrad=True),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.3, weight_decay=0.1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_rebuilt_optimizer_takes_the_same_step(kind):
    """From options, flags and tensors alone."""
    model = torch.nn.Linear(3, 2)
    copied = copy.deepcopy(model)
    optimizer = KINDS[kind](list(model.parameters()))

    def step(network, its_optimizer):
        network(torch.ones(1, 3)).square().sum().backward()
        its_optimizer.step()
        its_optimizer.zero_grad()

    step(model, optimizer)
    layout, named = ParameterLayout.of(model, optimizer), dict(model.named_parameters())
    names = option_names(optimizer)
    rebuilt = rebuild(type(optimizer).__name__, flags(optimizer), [list(copied.parameters())])
    set_options(rebuilt, names, option_values(optimizer, names))
    vectors = state_vectors(optimizer, state_names(optimizer), named, layout)
    copied.load_state_dict(model.state_dict())
    load_state_vectors(
        rebuilt, vectors, [1, 1], dict(copied.named_parameters()), layout, torch.float32
    )
    step(model, optimizer)
    step(copied, rebuilt)
    assert all(map(torch.equal, model.parameters(), copied.parameters()))


def test_options_are_named_one_by_one():
    optimizer = KINDS["adamw"](list(torch.nn.Linear(3, 2).parameters()))
    names = option_names(optimizer)
    assert {"lr", "betas[0]", "betas[1]", "eps", "weight_decay"} == set(names)
    values = dict(zip(names, option_values(optimizer, names)[0], strict=True))
    assert (values["lr"], values["betas[1]"]) == (0.3, 0.95)
    assert flags(optimizer)[0]["amsgrad"] is True
    assert state_names(optimizer) == ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")


def test_what_an_optimizer_does_not_keep_yet_is_nan():
    model = torch.nn.Linear(3, 2)
    optimizer = KINDS["sgd"](list(model.parameters()))
    layout, named = ParameterLayout.of(model, optimizer), dict(model.named_parameters())
    vectors = state_vectors(optimizer, state_names(optimizer), named, layout)
    assert vectors["momentum_buffer"].isnan().all()
    load_state_vectors(optimizer, vectors, [0, 0], named, layout, torch.float32)
    assert not optimizer.state
