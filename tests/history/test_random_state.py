"""Random numbers drawn again; nothing of the user's generator or model is left changed."""

import torch
from torch import nn

from explaind.history.random_state import (
    CPU,
    generator_state,
    in_mode,
    replayed,
    training_modules,
)


def test_the_same_numbers_come_again_and_those_behind_go_on():
    torch.manual_seed(3)
    state = generator_state(CPU)
    first = torch.rand(4)
    before = generator_state(CPU)
    with replayed(state, CPU):
        assert torch.equal(torch.rand(4), first)
    assert torch.equal(generator_state(CPU), before)


def test_without_a_state_numbers_are_drawn_as_they_come():
    torch.manual_seed(3)
    before = generator_state(CPU)
    with replayed(None, CPU):
        torch.rand(1)
    assert not torch.equal(generator_state(CPU), before)


def test_modes_are_put_back():
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout())).eval()
    model[1].train()
    names = training_modules(model)
    assert names == ["1", "1.0"]
    with in_mode(model, ["0"]):
        assert training_modules(model) == ["0"]
    with in_mode(model, None):
        assert training_modules(model) == names
    assert training_modules(model) == names
