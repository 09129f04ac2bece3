"""Multi-head attention with watched projections: it returns what torch returns."""

import pytest
import torch
from torch import nn
from torch.nn.functional import multi_head_attention_forward

from explaind.kernel.gradients.attention import attention
from tests.kernel.gradients.test_recurrent import Watcher


def called(layer, query, others, **options):
    """The arguments of torch's function for a layer, and what it returns."""
    given = (query, others, others, 4, 2, layer.in_proj_weight, layer.in_proj_bias)
    given += (layer.bias_k, layer.bias_v, False, 0.0, layer.out_proj.weight, layer.out_proj.bias)
    return given, multi_head_attention_forward(*given, training=False, **options)


@pytest.mark.parametrize("others", ["itself", "others"])
@pytest.mark.parametrize("masked", [False, True])
def test_outputs_and_weights_are_those_of_torch(others, masked):
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(4, 2).double()
    query = torch.randn(5, 3, 4, dtype=torch.float64)
    keys = query if others == "itself" else torch.randn(6, 3, 4, dtype=torch.float64)
    mask = torch.arange(len(keys)).expand(3, -1) > 3 if masked else None
    given, expected = called(layer, query, keys, key_padding_mask=mask)
    watcher = Watcher()
    found = attention(
        watcher, multi_head_attention_forward, *given, training=False, key_padding_mask=mask
    )
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert watcher.linear_calls == (2 if others == "itself" else 3)  # one of what is the same


def test_biases_of_keys_are_left_alone():
    layer, x = nn.MultiheadAttention(4, 2, add_bias_kv=True), torch.randn(5, 3, 4)
    given, _ = called(layer, x, x)
    assert attention(Watcher(), multi_head_attention_forward, *given, training=False) is None
