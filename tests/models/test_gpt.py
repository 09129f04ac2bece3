"""The small GPT: causal, passages apart, parameters named."""

import pytest
import torch

from explaind.config.model import GPTModel
from explaind.models.gpt import GPT
from explaind.models.registry import build_model, components_of

CONTEXT, VOCABULARY = 6, 11


def model(tied=False):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return GPT(VOCABULARY, CONTEXT, layers=2, width=8, heads=2, tied=tied).eval()


def drawn(*shape):
    return torch.randint(VOCABULARY, shape, generator=torch.Generator().manual_seed(1))


def test_a_token_changes_nothing_before_it():
    x = drawn(3, CONTEXT)
    changed = x.clone()
    changed[:, 4] = (x[:, 4] + 1) % VOCABULARY
    before, after = model()(x), model()(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert (before[:, 4:] - after[:, 4:]).abs().amax((0, 2)).min() > 1e-4


def test_passages_do_not_see_each_other():
    x = drawn(2, 3, CONTEXT)
    torch.testing.assert_close(model()(x), model()(x.flatten(0, 1)).view(2, 3, CONTEXT, -1))


@pytest.mark.parametrize("tied", [False, True])
def test_every_tensor_has_a_component(tied):
    components = components_of(model(tied))
    assert set(components) == {name for name, _ in model(tied).named_parameters()}
    kinds = {f"layer {n} {part}" for n in (1, 2) for part in ("attention", "MLP", "norms")}
    assert set(components.values()) == {"embedding", "output", *kinds}
    assert ("output.weight" in components) is not tied


def test_the_registry_builds_what_the_config_says():
    built = build_model(GPTModel(layers=3, width=8, heads=2), VOCABULARY, (1, CONTEXT))
    assert isinstance(built, GPT)
    assert len(built.layers) == 3
    assert built(drawn(2, 1, CONTEXT)).shape == (2, 1, CONTEXT, VOCABULARY)
    again = build_model(GPTModel(layers=3, width=8, heads=2), VOCABULARY, (1, CONTEXT))
    torch.testing.assert_close(built.positions, again.positions)
