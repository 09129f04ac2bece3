"""Any kind of layer, by a rule or by the fallback, against the oracle; and the list of them."""

import logging

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.optim import SGD
from torch.utils.checkpoint import DefaultDeviceType, checkpoint

import explaind
from explaind.errors import UnsupportedError
from explaind.kernel.checks import check_capture
from explaind.kernel.functionals import all_outputs
from explaind.kernel.gradients.fallback import BY_VMAP
from explaind.kernel.query.quadrature import Quadrature
from tests.documents import REPOSITORY
from tests.kernel.engine import explain, record
from tests.kernel.layers import cross_entropy, gradients_of, layout_of
from tests.kernel.trajectory.test_adjoint import assert_equal_to_oracle
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.forward_path_kernel import explain as oracle_of
from tests.oracles.problems import Problem, tokens
from tests.oracles.smooth_models import CLASSES, FEATURES, VOCABULARY

PLACES = 3
BY_RULE, ONE_BY_ONE = "layer rule", "one autograd call per sample"
VMAP = "`vmap`"


class Layer(nn.Module):
    """A layer, called in some way, and a linear layer that reads it out."""

    def __init__(self, layer, call, width):
        super().__init__()
        self.layer, self.call = layer, call
        self.last = nn.Linear(width, CLASSES)

    def forward(self, x):
        return self.last(torch.tanh(self.call(self.layer, x).flatten(1)))


class OwnProduct(torch.autograd.Function):
    """A product element by element, made in numpy as a kernel of one's own would be."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return torch.from_numpy(x.detach().numpy() * weight.detach().numpy())

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        g, a, w = (t.detach().numpy() for t in (gradient, x, weight))
        return torch.from_numpy(g * w), torch.from_numpy((g * a).sum(0))


def own_function(layer, x):
    return OwnProduct.apply(x, layer.weight[0])


def checkpointed(layer, x):
    return checkpoint(lambda z: torch.tanh(layer(z)), x, use_reentrant=False)


def branching(layer, x):
    """Control flow that depends on values."""
    return torch.cat([layer(row[None]) if row.sum() > 0 else -layer(row[None]) for row in x])


def in_place(layer, x):
    """Written into a tensor that is not batched."""
    total = torch.zeros(FEATURES, dtype=x.dtype)
    return torch.stack([total.clone().add_(layer.weight[0] * row) for row in x])


def packed(layer, x):
    lengths = torch.tensor([PLACES] * len(x))
    return layer(pack_padded_sequence(x, lengths, batch_first=True))[1][0]


def attended(layer, x):
    masked = torch.zeros(x.shape[:2], dtype=torch.bool).index_fill(1, torch.tensor([1]), True)
    return layer(x, x, x, key_padding_mask=masked, need_weights=False)[0]


def called(layer, x):
    return layer(x)


def outputs(layer, x):
    return layer(x)[0]


def vectors(count, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, FEATURES, generator=generator, dtype=torch.float64)
    return x, torch.randint(CLASSES, (count,), generator=generator)


def sequences(count, seed):
    x, y = vectors(count * PLACES, seed)
    return x.view(count, PLACES, FEATURES), y[:count]


def words(count, seed):
    x, y = tokens(count, seed)
    return x, y % CLASSES


def summed(layer, x):
    return torch.einsum("btf,of->bto", x, layer.weight)


KINDS = {
    "`nn.LSTM`": (BY_RULE, sequences, lambda: Layer(nn.LSTM(4, 3, batch_first=True), outputs, 9)),
    "`nn.GRU`": (BY_RULE, sequences, lambda: Layer(nn.GRU(4, 2, 2, batch_first=True), outputs, 6)),
    "`nn.MultiheadAttention`": (
        BY_RULE,
        sequences,
        lambda: Layer(nn.MultiheadAttention(4, 2, batch_first=True), attended, 12),
    ),
    "`nn.ConvTranspose1d`": (
        BY_RULE,
        sequences,
        lambda: Layer(nn.ConvTranspose1d(PLACES, 2, 2), called, 10),
    ),
    "`nn.Embedding` with `padding_idx` or `sparse`": (
        BY_RULE,
        words,
        lambda: Layer(nn.Embedding(VOCABULARY, 3, padding_idx=0, sparse=True), called, 9),
    ),
    "`torch.einsum` of a parameter": (
        VMAP,
        sequences,
        lambda: Layer(nn.Linear(4, 3, bias=False), summed, 9),
    ),
    "`nn.EmbeddingBag`": (
        ONE_BY_ONE,
        words,
        lambda: Layer(nn.EmbeddingBag(VOCABULARY, 4), called, 4),
    ),
    "an `autograd.Function` of one's own, a custom kernel": (
        ONE_BY_ONE,
        vectors,
        lambda: Layer(nn.Linear(4, 1, bias=False), own_function, 4),
    ),
    "activation checkpointing (`use_reentrant=False`)": (
        ONE_BY_ONE,
        vectors,
        lambda: Layer(nn.Linear(4, 3), checkpointed, 3),
    ),
    "a branch on values": (ONE_BY_ONE, vectors, lambda: Layer(nn.Linear(4, 3), branching, 3)),
    "writing into a tensor": (
        ONE_BY_ONE,
        vectors,
        lambda: Layer(nn.Linear(4, 1, bias=False), in_place, 4),
    ),
    "packed sequences": (
        ONE_BY_ONE,
        sequences,
        lambda: Layer(nn.GRU(4, 3, batch_first=True), packed, 3),
    ),
}


@pytest.fixture(autouse=True)
def _checkpoints_on_the_cpu(monkeypatch):
    """The default is any accelerator, and the simulated one of other tests knows no autocast."""
    monkeypatch.setattr(DefaultDeviceType, "_default_device_type", "cpu")


def problem_of(kind):
    _, make_data, make_model = KINDS[kind]
    optimizer = lambda model: SGD(model.parameters(), lr=0.2)  # noqa: E731
    return Problem("kind", optimizer, make_model=make_model, make_data=make_data, steps=4)


def way_of(fallback):
    if not fallback.batched:
        return ONE_BY_ONE
    return VMAP if fallback.names else BY_RULE


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer_equals_the_oracle(kind, tmp_path, caplog):
    problem = problem_of(kind)
    model = record(problem, tmp_path / "run.zarr")
    with caplog.at_level(logging.INFO, logger="explaind.kernel"):
        influence = explain(problem, tmp_path / "run.zarr", model, intervals=2)
    told = [entry.message for entry in caplog.records if "per-sample gradients" in entry.message]
    assert len(told) == (KINDS[kind][0] != BY_RULE)  # once for the loss and what is explained
    assert all((KINDS[kind][0] == ONE_BY_ONE) == (ONE_BY_ONE in entry) for entry in told)
    path, nodes = problem.path(), gauss_legendre_nodes(3)
    oracle = oracle_of(path, problem.functional, *problem.test_data(), nodes)
    assert_equal_to_oracle(influence, oracle, list(path.tensors))


@pytest.mark.parametrize("kind", KINDS)
def test_the_documented_table_says_how(kind):
    problem = problem_of(kind)
    model = problem.model()
    layout, theta = layout_of(model)
    gradients = gradients_of(model, layout, cross_entropy)
    found = way_of(check_capture(gradients, theta, *problem.test_data(), linearised=True))
    document = (REPOSITORY / "docs" / "own_model.md").read_text("utf-8")
    assert found == KINDS[kind][0]
    assert f"| {kind} | {found} |" in document


def test_all_outputs_are_rebuilt_without_forward_mode(tmp_path, caplog):
    problem = problem_of("an `autograd.Function` of one's own, a custom kernel")
    model = record(problem, tmp_path / "run.zarr")
    kernel = explaind.PathKernel(
        tmp_path / "run.zarr", model, problem.loss_fn, problem.train_data()
    )
    with caplog.at_level(logging.INFO, logger="explaind.kernel"):
        rebuilt = kernel.reformulate(*problem.test_data())
    assert "no derivative in forward mode" in caplog.text
    error = abs(rebuilt.reformulated - rebuilt.true).max()
    assert float(error) < 1e-6 * float(abs(rebuilt.true - rebuilt.initial).max())


def kinked(layer, x):
    return checkpoint(lambda z: torch.relu(layer(z)), x, use_reentrant=False)


@pytest.mark.parametrize("call", [kinked, lambda layer, x: torch.relu(branching(layer, x))])
def test_kinks_that_the_secant_rule_cannot_follow_are_integrated_plainly(call, tmp_path):
    problem = problem_of("a branch on values").but(
        make_model=lambda: Layer(nn.Linear(4, 3), call, 3)
    )
    model = record(problem, tmp_path / "run.zarr")
    influence = explain(problem, tmp_path / "run.zarr", model, quadrature=Quadrature())
    assert influence.attrs["quadrature_rule"] == ("gauss_legendre" if call is kinked else "secant")
    moved = abs(influence.final_output - influence.initial_output).max()
    if call is kinked:
        with pytest.raises(UnsupportedError, match="secant cannot follow"):
            explain(problem, tmp_path / "run.zarr", model, quadrature=Quadrature(rule="secant"))
    left = abs(influence.step_residual.sum("step")).max()
    assert float(left) < 0.02 * float(moved)


def test_gradients_that_torch_batches_wrongly_are_taken_one_by_one():
    """A backward pass that is right for one sample at a time only."""

    class Wrong(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x, weight):
            return x * weight

        @staticmethod
        def setup_context(ctx, inputs, _):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, gradient):
            x, weight = ctx.saved_tensors
            factor = 2.0 if torch._C._functorch.maybe_current_level() else 1.0
            return gradient * weight, factor * (gradient * x).sum(0)

    model = Layer(
        nn.Linear(4, 1, bias=False), lambda layer, x: Wrong.apply(x, layer.weight[0]), 4
    ).double()
    layout, theta = layout_of(model)
    gradients = gradients_of(model, layout, all_outputs)
    found = check_capture(gradients, theta, *vectors(3, 0))
    assert not found.batched
    assert "layer.weight" in found.names
    assert found != BY_VMAP
