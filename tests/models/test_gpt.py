"""The small GPT: causal, passages apart, parameters named, explained as the oracle explains it."""

import numpy as np
import pytest
import torch
from torch.optim import AdamW

from explaind.config.model import GPTModel
from explaind.models.gpt import GPT
from explaind.models.registry import build_model, components_of
from tests.kernel.engine import record_and_explain
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.forward_path_kernel import explain
from tests.oracles.problems import Problem
from tests.oracles.sequences import next_tokens, sequence_loss
from tests.oracles.smooth_models import POSITIONS
from tests.oracles.smooth_models import VOCABULARY as TOKENS

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


def mean_log_probability(output, target):
    return -sequence_loss(output, target)


@pytest.mark.parametrize("tied", [False, True])
def test_it_is_explained_as_the_oracle_explains_it(tied, tmp_path):
    problem = Problem(
        f"gpt_{tied}",
        lambda model: AdamW(model.parameters(), lr=0.02, betas=(0.6, 0.9), weight_decay=0.3),
        make_model=lambda: GPT(TOKENS, POSITIONS, layers=2, width=4, heads=2, tied=tied),
        make_data=next_tokens,
        loss_fn=sequence_loss,
        steps=5,
    )
    components = components_of(problem.model())
    found = record_and_explain(
        problem, tmp_path, outputs="mean_logprob", components=components, keep=["component"]
    )
    path, data = problem.path(), problem.test_data()
    oracle = explain(path, mean_log_probability, *data, gauss_legendre_nodes(3)).influence[:, 0]
    of_tensor = [components[name] for name, _ in problem.model().named_parameters()]
    assert len(of_tensor) == oracle.shape[-1] == (15 if tied else 16)
    for name, influence in found["influence_by_component"][:, :, 0].groupby("component"):
        expected = sum(oracle[..., n] for n, of in enumerate(of_tensor) if of == name)
        np.testing.assert_allclose(influence.squeeze(), expected, rtol=1e-8, atol=1e-12)
        assert expected.abs().max() > 1e-6
