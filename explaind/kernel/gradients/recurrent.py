"""Recurrent layers, unrolled: every step is two linear layers and a cell.

Torch runs an LSTM, a GRU or a plain recurrent layer as one call. Unrolled, with inputs `x_t` and
hidden states `h_t`,

    a_t = W_ih x_t + b_ih,    b_t = W_hh h_{t-1} + b_hh,    h_t = cell(a_t, b_t, ...)

the gradients of both weights are sums of outer products over the steps `t`, as in a linear layer
whose places are the steps.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from explaind.kernel.gradients.linear import LinearRule
from explaind.kernel.gradients.rule import Call
from explaind.trees import Argument

if TYPE_CHECKING:
    from explaind.kernel.gradients.capture import LayerCapture

State = tuple[Tensor, ...]
"""Hidden state, and the cell state of an LSTM, `[batch, hidden]`."""

Cell = Callable[[Tensor, Tensor, State], State]
"""`(W_ih x + b_ih, W_hh h + b_hh, state) -> next state`."""


def _lstm(from_input: Tensor, from_hidden: Tensor, state: State) -> State:
    i, f, g, o = (from_input + from_hidden).chunk(4, 1)
    c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _gru(from_input: Tensor, from_hidden: Tensor, state: State) -> State:
    (r, z, n), (hidden_r, hidden_z, hidden_n) = from_input.chunk(3, 1), from_hidden.chunk(3, 1)
    n = torch.tanh(n + torch.sigmoid(r + hidden_r) * hidden_n)
    z = torch.sigmoid(z + hidden_z)
    return ((1 - z) * n + z * state[0],)


def _tanh(from_input: Tensor, from_hidden: Tensor, _: State) -> State:
    return (torch.tanh(from_input + from_hidden),)


def _relu(from_input: Tensor, from_hidden: Tensor, _: State) -> State:
    return (torch.relu(from_input + from_hidden),)


RECURRENT: dict[Call, Cell] = {
    torch.lstm: _lstm,
    torch.gru: _gru,
    torch.rnn_tanh: _tanh,
    torch.rnn_relu: _relu,
}
CELLS: dict[Call, Cell] = {
    torch.lstm_cell: _lstm,
    torch.gru_cell: _gru,
    torch.rnn_tanh_cell: _tanh,
    torch.rnn_relu_cell: _relu,
}


def recurrent(capture: "LayerCapture", func: Call, *args: Argument) -> State | None:
    """Unroll a recurrent layer: any number of layers, one or both directions.

    Args:
        capture: notes the linear layers.
        func: the function of torch.
        args: its arguments: input, initial state, weights, whether there are biases, number of
            layers, dropout, whether in training mode, whether in both directions, batch first.

    Returns:
        The outputs and the last states; None for packed sequences, projections and dropout.
    """
    if len(args) != 9 or not isinstance(args[2], (list, tuple)):
        return None
    x, initial, weights, biased, layers, dropout, train, both, batch_first = args
    initial = initial if isinstance(initial, (list, tuple)) else (initial,)
    x = x if batch_first else x.transpose(0, 1)
    directions = 2 if both else 1
    width = 4 if biased else 2
    known = len(weights) == width * layers * directions and not (dropout and train)
    if not known or x.dim() != 3 or len(x) != capture.batch or any(map(capture.name_of, initial)):
        return None
    ends = []
    for layer in range(layers):
        outputs = []
        for place in range(layer * directions, (layer + 1) * directions):
            states = _unrolled(
                capture,
                RECURRENT[func],
                x,
                tuple(state[place] for state in initial),
                weights[place * width : (place + 1) * width],
                backward=place % directions == 1,
            )
            outputs.append(torch.stack([state[0] for state in states], 1))
            ends.append(states[-1])
            if place % directions == 1:
                outputs[-1] = outputs[-1].flip(1)
        x = torch.cat(outputs, 2)
    last = (torch.stack(parts) for parts in zip(*ends, strict=True))
    return x if batch_first else x.transpose(0, 1), *last


def recurrent_cell(
    capture: "LayerCapture",
    func: Call,
    x: Tensor,
    state: Tensor | Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor | State | None:
    """Take one step of a recurrent layer, as two linear layers and a cell.

    Args:
        capture: notes the linear layers.
        func: the function of torch.
        x: input, `[batch, in]`.
        state: hidden state, of an LSTM with the cell state.
        w_ih: weight of the input.
        w_hh: weight of the hidden state.
        b_ih: bias of the first.
        b_hh: bias of the second.

    Returns:
        The next state; None without a batch.
    """
    states = tuple(state) if isinstance(state, (list, tuple)) else (state,)
    if any(part.dim() != 2 or len(part) != capture.batch for part in (x, *states)):
        return None
    from_input = _linear(capture, x, w_ih, b_ih)
    from_hidden = _linear(capture, states[0], w_hh, b_hh)
    after = CELLS[func](from_input, from_hidden, states)
    return after if len(after) > 1 else after[0]


def _unrolled(
    capture: "LayerCapture",
    cell: Cell,
    x: Tensor,
    state: State,
    weights: list[Tensor],
    backward: bool,
) -> list[State]:
    """The states after every step of one layer in one direction, in the order of the steps."""
    w_ih, w_hh, *biases = weights
    b_ih, b_hh = biases or (None, None)
    x = x.flip(1) if backward else x
    from_input = _linear(capture, x, w_ih, b_ih)
    # a shift of zero, whose gradient is that of `W_hh h + b_hh` at all steps
    shift = torch.zeros(*x.shape[:2], len(w_hh), dtype=x.dtype, device=x.device)
    shift = capture.watched.leaf(shift)
    before, after = [], []
    for moment in range(x.shape[1]):
        before.append(state[0].detach())
        hidden = functional.linear(state[0], w_hh, b_hh) + shift[:, moment]
        state = cell(from_input[:, moment], hidden, state)
        after.append(state)
    weight, bias = capture.name_of(w_hh), capture.name_of(b_hh)
    capture.rules.append(LinearRule(weight=weight, bias=bias, x=torch.stack(before, 1)))
    return after


def _linear(capture: "LayerCapture", x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A watched linear layer of an input whose first dimension is the batch."""
    y = capture.linear(functional.linear, x, weight, bias)
    assert y is not None
    return y
