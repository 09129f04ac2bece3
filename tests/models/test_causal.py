"""Models of transformers: their tensors are reported by what they are, whatever they are called.

Stand-ins with names of the library; `tests/integrations` builds models of it.
"""

import pytest
from torch import nn

from explaind.models.causal import CausalModel


def named(*paths):
    """A model whose tensors have these names."""
    root = nn.Module()
    for path in paths:
        *parents, last = path.split(".")
        module = root
        for name in parents:
            if not hasattr(module, name):
                module.add_module(name, nn.Module())
            module = getattr(module, name)
        module.add_module(last, nn.Linear(1, 1, bias=False))
    return CausalModel(root)


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("transformer.wte", "embedding"),
        ("transformer.wpe", "embedding"),
        ("transformer.word_embeddings_layernorm", "embedding"),
        ("model.embed_tokens", "embedding"),
        ("transformer.h.0.ln_1", "layer 1 norms"),
        ("transformer.h.1.attn.c_attn", "layer 2 attention"),
        ("transformer.h.1.mlp.c_proj", "layer 2 MLP"),
        ("model.layers.11.self_attn.q_norm", "layer 12 attention"),
        ("model.layers.11.post_attention_layernorm", "layer 12 norms"),
        ("model.decoder.layers.0.self_attn_layer_norm", "layer 1 norms"),
        ("model.decoder.layers.0.fc1", "layer 1 MLP"),
        ("transformer.blocks.0.ffn.up_proj", "layer 1 MLP"),
        ("backbone.layers.0.mixer.in_proj", "layer 1 mixer"),
        ("transformer.ln_f", "output"),
        ("gpt_neox.embed_out", "output"),
        ("lm_head", "output"),
    ],
)
def test_a_tensor_belongs_to_what_its_module_is(name, component):
    assert named(name).components == {f"model.{name}.weight": component}
