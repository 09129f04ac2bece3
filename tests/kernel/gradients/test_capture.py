"""Which calls a layer rule knows, and which are left to the fallback."""

import pytest
import torch
from torch import nn

from explaind.kernel.functionals import all_outputs
from tests.kernel.layers import gradients_of, layer_models, layer_problem, layout_of


@pytest.mark.parametrize("name", layer_models())
def test_every_layer_is_recognised(name):
    model, layout, theta, x, y = layer_problem(name)
    captured = gradients_of(model, layout, all_outputs).capture(theta, x, y)
    assert captured.fallback == frozenset()


@pytest.mark.parametrize("options", [{"max_norm": 1.0}, {"scale_grad_by_freq": True}], ids=str)
def test_scaled_embeddings_are_left_to_the_fallback(options):
    model = nn.Sequential(nn.Embedding(6, 4, **options), nn.Flatten())
    layout, theta = layout_of(model)
    tokens, targets = torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, dtype=torch.int64)
    captured = gradients_of(model, layout, all_outputs).capture(theta, tokens, targets)
    assert captured.fallback == {"0.weight"}


class Unknown(nn.Module):
    """Calls of known layers that their rules do not cover."""

    def __init__(self, layer, forward):
        super().__init__()
        self.layer, self.call = layer, forward

    def forward(self, x):
        return self.call(self.layer, x.view(len(x), 5, 4))


def pack(layer, x):
    packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5] * len(x)), batch_first=True)
    return layer(packed)[1].transpose(0, 1).flatten(1)


UNKNOWN = {
    "packed": Unknown(nn.GRU(4, 3, batch_first=True), pack),
    "projected": Unknown(nn.LSTM(4, 3, proj_size=2, batch_first=True), lambda r, x: r(x)[0][:, -1]),
    "other_width": Unknown(
        nn.MultiheadAttention(4, 2, kdim=3, vdim=3, batch_first=True),
        lambda a, x: a(x, x[:, :, :3], x[:, :, :3])[0].flatten(1),
    ),
    "grouped": Unknown(nn.ConvTranspose1d(4, 4, 2, groups=2), lambda c, x: c(x.mT).flatten(1)),
    "padding": Unknown(
        nn.ConvTranspose1d(4, 2, 4, output_padding=1, dilation=2), lambda c, x: c(x.mT).flatten(1)
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_a_rule_does_not_cover_is_left_to_the_fallback(name):
    model = UNKNOWN[name].double()
    layout, theta = layout_of(model)
    x, y = torch.randn(2, 20, dtype=torch.float64), torch.zeros(2, dtype=torch.int64)
    captured = gradients_of(model, layout, all_outputs).capture(theta, x, y)
    used = {slot.name for slot in layout.slots if "out_proj" not in slot.name}
    assert captured.fallback >= used


def test_reading_the_shape_of_a_parameter_is_no_use_of_it():
    model = Unknown(nn.Linear(20, 2), lambda layer, x: layer(x.flatten(1).to(layer.weight.dtype)))
    layout, theta = layout_of(model)
    captured = gradients_of(model, layout, all_outputs).capture(
        theta, torch.randn(2, 20), torch.zeros(2, dtype=torch.int64)
    )
    assert captured.fallback == frozenset()
