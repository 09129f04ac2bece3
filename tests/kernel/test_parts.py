"""Influence of parts of training samples, against the forward recursion over single tokens."""

import numpy as np
import pytest
from torch.optim import AdamW

import explaind
from explaind.errors import ConfigError
from tests.kernel.engine import SMOOTH, record
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.forward_path_kernel import explain
from tests.oracles.problems import TRAIN_SAMPLES, Problem
from tests.oracles.sequences import (
    NextToken,
    next_tokens,
    sequence_loss,
    split_in_parts,
    token_losses,
)
from tests.oracles.smooth_models import POSITIONS

CHOSEN = [1, 3, 10]
PROBLEM = Problem(
    "sequences",
    lambda model: AdamW(model.parameters(), lr=0.02, betas=(0.6, 0.9), weight_decay=0.3),
    make_model=NextToken,
    make_data=next_tokens,
    loss_fn=sequence_loss,
    steps=6,
)


def summed(output, target):
    """Log-probability of all counted tokens of a sample."""
    classes = target.clamp(min=0)[..., None]
    chosen = output.log_softmax(-1).gather(-1, classes)[..., 0]
    return (chosen * (target != -100)).sum(1)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    store = tmp_path_factory.mktemp("history") / "run.zarr"
    return explaind.PathKernel(
        store, record(PROBLEM, store), sequence_loss, PROBLEM.train_data(), quadrature=SMOOTH
    )


def test_tokens_equal_the_forward_recursion_over_tokens(kernel):
    x, y = PROBLEM.test_data()
    y[:, 0] = -100  # a span: all but the first
    found = kernel.explain_parts(x, y, token_losses, CHOSEN, "sum_logprob")
    assert found["influence_by_part"].dims == ("test", "output", "train", "part")
    assert found["train_index"].values.tolist() == CHOSEN
    path = split_in_parts(PROBLEM.path(), PROBLEM.train_data())
    oracle = explain(path, summed, x, y, gauss_legendre_nodes(3)).influence.sum(-1)
    oracle = oracle.reshape(len(x), 1, TRAIN_SAMPLES, POSITIONS)[:, :, CHOSEN]
    np.testing.assert_allclose(found["influence_by_part"], oracle, rtol=1e-8, atol=1e-12)
    assert not found["influence_by_part"][..., 1, -1].any()  # sample 3: the target is ignored


def test_tokens_add_up_to_their_sample(kernel):
    data = PROBLEM.test_data()
    found = kernel.explain_parts(*data, token_losses, range(TRAIN_SAMPLES), "target_logprob")
    whole = kernel.explain(*data, "target_logprob")
    assert whole.sizes["output"] == POSITIONS
    np.testing.assert_allclose(
        found["influence_by_part"].sum("part"), whole["influence"], rtol=1e-8, atol=1e-12
    )
    together = kernel.explain(*data, "sum_logprob")
    np.testing.assert_allclose(
        together["influence"][:, 0], whole["influence"].sum("output"), rtol=1e-8, atol=1e-12
    )


def test_parts_of_another_loss_are_refused(kernel):
    data = PROBLEM.test_data()
    with pytest.raises(ConfigError, match="add up to the training loss"):
        kernel.explain_parts(*data, lambda o, y: 2 * token_losses(o, y), [0], "sum_logprob")
    with pytest.raises(ConfigError, match=r"expected \[batch, part\] for 5 samples, got \(5,\)"):
        kernel.explain_parts(*data, sequence_loss, [0], "sum_logprob")
    with pytest.raises(ConfigError, match="train_samples: expected indices from 0 to 11"):
        kernel.explain_parts(*data, token_losses, [12], "sum_logprob")


def test_samples_that_were_in_no_batch_are_refused(tmp_path):
    store, problem = tmp_path / "run.zarr", PROBLEM.but(drawn=((0, 1), (2, 3)))
    kernel = explaind.PathKernel(
        store, record(problem, store), sequence_loss, problem.train_data(), quadrature=SMOOTH
    )
    with pytest.raises(ConfigError, match="expected samples that were in a batch, got none"):
        kernel.explain_parts(*problem.test_data(), token_losses, [4], "sum_logprob")


def test_mean_and_sum_count_the_same_tokens(kernel):
    x, y = PROBLEM.test_data()
    mean, total = (kernel.explain(x, y, f"{name}_logprob") for name in ("mean", "sum"))
    counted = np.array([2, 3, 3])  # the first has one to ignore
    np.testing.assert_allclose(mean["final_output"][:, 0] * counted, total["final_output"][:, 0])
