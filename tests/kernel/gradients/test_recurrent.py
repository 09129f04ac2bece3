"""Recurrent layers unrolled: what they return is what torch returns."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from explaind.kernel.gradients.recurrent import CELLS, RECURRENT, recurrent, recurrent_cell
from explaind.kernel.gradients.watched import Noted

FUNCTIONS = {nn.LSTM: torch.lstm, nn.GRU: torch.gru, nn.RNN: torch.rnn_tanh}


class Watcher:
    """Notes calls as `LayerCapture` does, of a batch of three."""

    batch = 3

    def __init__(self):
        self.linear_calls, self.rules, self.watched = 0, [], Noted()

    def name_of(self, tensor):
        return "weight" if isinstance(tensor, nn.Parameter) else None

    def linear(self, function, x, weight, bias=None):
        assert function is functional.linear
        self.linear_calls += 1
        return function(x, weight, bias)


def arguments(layer, x, initial):
    """The arguments that the layer gives its function."""
    options = (layer.bias, layer.num_layers, 0.0, False, layer.bidirectional, layer.batch_first)
    return (x, initial, layer._flat_weights, *options)


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True, "bias": False}]
)
def test_outputs_and_last_states_are_those_of_torch(kind, options):
    torch.manual_seed(0)
    layer = kind(4, 2, **options).double()
    x = torch.randn((3, 5, 4) if layer.batch_first else (5, 3, 4), dtype=torch.float64)
    directions = layer.num_layers * (2 if layer.bidirectional else 1)
    states = [torch.randn(directions, 3, 2, dtype=torch.float64) for _ in range(2)]
    initial = states if kind is nn.LSTM else states[0]
    watcher = Watcher()
    found = recurrent(watcher, FUNCTIONS[kind], *arguments(layer, x, initial))
    expected = FUNCTIONS[kind](*arguments(layer, x, initial))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert watcher.linear_calls == len(watcher.rules) == directions  # inputs, hidden states


def test_packed_sequences_and_trained_initial_states_are_left_alone():
    layer = nn.GRU(4, 2)
    x, initial = torch.randn(5, 3, 4), nn.Parameter(torch.randn(1, 3, 2))
    assert recurrent(Watcher(), torch.gru, *arguments(layer, x, initial)) is None
    packed = (x.flatten(0, 1), torch.tensor([3] * 5), initial, layer._flat_weights)
    assert recurrent(Watcher(), torch.gru, *packed, True, 1, 0.0, False, False) is None


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_a_step_is_that_of_torch(kind):
    torch.manual_seed(0)
    cell, function = kind(4, 2).double(), getattr(torch, FUNCTION_OF_CELL[kind])
    x = torch.randn(3, 4, dtype=torch.float64)
    states = [torch.randn(3, 2, dtype=torch.float64) for _ in range(2)]
    state = states if kind is nn.LSTMCell else states[0]
    weights = (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
    found = recurrent_cell(Watcher(), function, x, state, *weights)
    torch.testing.assert_close(found, function(x, state, *weights))


FUNCTION_OF_CELL = {
    nn.LSTMCell: "lstm_cell",
    nn.GRUCell: "gru_cell",
    nn.RNNCell: "rnn_tanh_cell",
}


def test_every_layer_has_its_cell():
    names = {function.__name__ for function in RECURRENT}
    assert {function.__name__.removesuffix("_cell") for function in CELLS} == names
