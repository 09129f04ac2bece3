"""The transformer against a literal transcription of the paper's, head by head."""

import math

import pytest
import torch

from explaind.models.registry import components_of
from explaind.models.transformer import Transformer


def literal(model, tokens):
    """All positions, one head at a time, no shared tensors."""
    d, heads = model.width, model.heads
    size = d // heads
    e = math.sqrt(d) * model.embedding.weight[tokens]
    o = torch.zeros_like(e)
    for head in range(heads):
        rows = slice(head * size, (head + 1) * size)
        p = e @ model.encoders.weight[rows].T  # query, key and value at once
        attention = torch.softmax(p @ p.transpose(1, 2) / math.sqrt(size), dim=-1)
        o = o + attention @ p @ model.decoders.weight[:, rows].T
    hidden = torch.relu(o @ model.linear1.weight.T + model.linear1.bias)
    h = o + torch.relu(hidden @ model.linear2.weight.T + model.linear2.bias)
    return torch.log_softmax(h @ model.decoder.weight.T, dim=-1)[:, -1]


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_equals_the_literal_transcription(heads):
    model = Transformer(13, 16, heads, 24).double()
    tokens = torch.randint(0, 13, (7, 4))
    assert torch.allclose(model(tokens), literal(model, tokens), rtol=0, atol=1e-12)


def test_parameter_count_of_the_paper():
    model = Transformer(115, 64, 4, 512)
    assert sum(p.numel() for p in model.parameters()) == 89_024  # 89,664 less the unused table


def test_every_parameter_has_a_component():
    model = Transformer(13, 16, 2, 24)
    assert set(components_of(model)) == {name for name, _ in model.named_parameters()}
