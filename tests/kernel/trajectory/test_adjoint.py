"""The adjoint, backward in time, equals the published forward recursion to rounding.

Both sides use the same nodes on smooth networks, so nothing but rounding may differ.
"""

import numpy as np
import pytest
import torch
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import ExponentialLR, OneCycleLR

from explaind.kernel.query.quadrature import Quadrature
from tests.kernel.engine import record_and_explain, trained_names
from tests.oracles.dense_midpoint import gauss_legendre_nodes, midpoint_nodes
from tests.oracles.forward_path_kernel import explain
from tests.oracles.problems import (
    Problem,
    all_outputs,
    cross_entropy,
    images,
    squared_error,
    tokens,
)
from tests.oracles.smooth_models import (
    BufferBeforeParameter,
    LayerOfPositions,
    SequenceFirst,
    SmoothConvolution,
    SmoothTransformer,
    TiedWeights,
    UsedInManyWays,
)

TOLERANCE = 1e-10
INTERVALS = 4

ROWS = {
    "sgd": (SGD, {"lr": 0.3}),
    "sgd_l2": (SGD, {"lr": 0.3, "weight_decay": 0.1}),
    "momentum": (SGD, {"lr": 0.2, "momentum": 0.8, "weight_decay": 0.1}),
    "dampening": (SGD, {"lr": 0.3, "momentum": 0.8, "dampening": 0.4, "weight_decay": 0.1}),
    "nesterov": (SGD, {"lr": 0.2, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    "adam": (Adam, {"lr": 0.05}),
    "adam_l2": (Adam, {"lr": 0.05, "betas": (0.8, 0.95), "weight_decay": 0.1}),
    "adamw": (AdamW, {"lr": 0.05, "betas": (0.9, 0.98), "weight_decay": 0.5}),
    "adam_amsgrad": (
        Adam,
        {"lr": 0.05, "betas": (0.7, 0.6), "weight_decay": 0.1, "amsgrad": True},
    ),
    "adamw_amsgrad": (
        AdamW,
        {"lr": 0.05, "betas": (0.7, 0.6), "weight_decay": 0.5, "amsgrad": True},
    ),
}
SECOND_GROUP = {
    SGD: {"lr": 0.1, "weight_decay": 0.3, "momentum": 0.5},
    Adam: {"lr": 0.02, "weight_decay": 0.3},
}


def one_group(row):
    kind, options = ROWS[row]
    return lambda model: kind(model.parameters(), **options)


def two_groups(row):
    """The first layer with other learning rate and decay, and for Adam other betas."""
    kind, options = ROWS[row]
    other = SECOND_GROUP[SGD] if kind is SGD else SECOND_GROUP[Adam] | {"betas": (0.6, 0.9)}

    def optimizer(model):
        first = list(model.first.parameters())
        rest = [*model.second.parameters(), *model.last.parameters()]
        return kind([{"params": rest}, {"params": first} | other], **options)

    return optimizer


class PartlyFrozen(BufferBeforeParameter):
    """Buffers in front, one frozen tensor in the middle."""

    def __init__(self):
        super().__init__()
        self.second.bias.requires_grad_(requires_grad=False)


def everything_at_once(row, seed):
    """Unequal batches, schedule, groups, clipping, a frozen tensor, buffers, several outputs."""
    return Problem(
        f"{row}_everything",
        two_groups(row),
        make_model=PartlyFrozen,
        outputs="all",
        functional=all_outputs,
        scheduler=lambda optimizer: ExponentialLR(optimizer, 0.9),
        max_norm=0.2,
        seed=seed,
    )


def transformer_problem(row, seed):
    return Problem(
        f"{row}_transformer", one_group(row), SmoothTransformer, tokens, steps=7, seed=seed
    )


def ridge_and_pull(parameters):
    """A penalty with a quadratic and a linear term, on two of the tensors."""
    return 0.05 * parameters["last.weight"].square().sum() + 0.1 * parameters["first.bias"].sum()


ONE_GROUP = [Problem(row, one_group(row), seed=10 + i) for i, row in enumerate(ROWS)]
PROBLEMS = [
    *(everything_at_once(row, seed=30 + i) for i, row in enumerate(ROWS)),
    *(transformer_problem(row, seed=50 + i) for i, row in enumerate(["momentum", "adamw"])),
    Problem("tied_momentum", one_group("momentum"), TiedWeights, tokens, steps=7, seed=60),
    Problem("tied_adamw", one_group("adamw"), TiedWeights, tokens, steps=7, seed=61),
    Problem("convolution", one_group("nesterov"), SmoothConvolution, images, steps=7, seed=62),
    Problem(
        "squared_error_of_all_outputs",
        one_group("adam_l2"),
        loss_fn=squared_error,
        outputs="all",
        functional=all_outputs,
        seed=63,
    ),
    Problem("sum_of_losses", one_group("momentum"), reduction="sum", seed=64, steps=6).but(
        optimizer=lambda model: SGD(model.parameters(), lr=0.05, momentum=0.8)
    ),
    *(
        Problem(f"{model.__name__}_batch_{size}", one_group("momentum"), model, batch_size=size)
        for model in (SequenceFirst, LayerOfPositions)
        for size in (4, 6)
    ),
    Problem("used_in_many_ways", one_group("adamw"), UsedInManyWays, tokens, steps=6, seed=72),
    Problem(
        "with_replacement",
        one_group("momentum"),
        drawn=((0, 0, 1), (2, 2, 2), (3, 4, 0, 5), (4,)),
        seed=73,
    ),
    Problem("full_batch", one_group("adamw"), batch_size=12, seed=65),
    Problem("single_samples", one_group("momentum"), batch_size=1, seed=66),
    Problem("one_step", one_group("dampening"), steps=1, seed=67),
    Problem("loss", one_group("adamw"), outputs="loss", functional=cross_entropy, seed=68),
    Problem(
        "momentum_schedule",
        one_group("momentum"),
        scheduler=lambda optimizer: OneCycleLR(optimizer, max_lr=0.5, total_steps=10),
        seed=69,
    ),
    Problem(
        "beta_schedule",
        one_group("adam_l2"),
        scheduler=lambda optimizer: OneCycleLR(optimizer, max_lr=0.1, total_steps=10),
        seed=70,
    ),
    *(
        Problem(
            f"{row}_penalty",
            one_group(row),
            penalty=ridge_and_pull,
            max_norm=max_norm,
            seed=71,
        )
        for row, max_norm in [("nesterov", None), ("adamw", None), ("adam_l2", 0.6)]
    ),
]


def assert_equal(actual, expected, what):
    """To 1e-10 of the largest expected number."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, what
    error = np.abs(actual - expected).max()
    assert error <= TOLERANCE * max(np.abs(expected).max(), 1e-6), f"{what}: off by {error:.1e}"


def assert_equal_to_oracle(influence, oracle, names):
    """Every array of the store against the oracle."""
    by_component = influence.influence_by_component.sel(component=names)
    by_interval = influence.influence_by_interval.sel(component=names)
    dims = ("test", "output", "train")
    total = oracle.influence.sum(-1)
    assert_equal(influence.influence.transpose(*dims), total, "influence")
    assert_equal(by_component.transpose(*dims, "component"), oracle.influence, "by component")
    starts, stops = influence.interval_start.values, influence.interval_stop.values
    steps = len(oracle.step_true)
    assert [*starts, steps] == [0, *stops]
    intervals = [oracle.influence_at[a:b].sum(0) for a, b in zip(starts, stops, strict=True)]
    by_interval = by_interval.transpose("interval", *dims, "component")
    assert_equal(by_interval, torch.stack(intervals), "by interval")
    assert_equal(influence.data, total.sum(-1), "data")
    assert_equal(influence.decay, oracle.decay, "decay")
    assert_equal(influence.initial_output, oracle.initial, "initial output")
    assert_equal(influence.final_output, oracle.final, "final output")
    assert_steps_equal_to_oracle(influence, oracle, names)


def assert_steps_equal_to_oracle(influence, oracle, names):
    """The arrays with one entry for every step."""
    dims = ("step", "test", "output")
    absolute = oracle.influence_at.abs().sum(-2)
    pairs = {
        "step_true": oracle.step_true,
        "step_data": oracle.step_data.sum(-1),
        "step_decay": oracle.step_decay.sum(-1),
        "step_data_by_component": oracle.step_data,
        "step_decay_by_component": oracle.step_decay,
        "step_absolute_by_component": absolute,
        "step_net_by_component": oracle.influence_at.sum(-2),
    }
    for name, expected in pairs.items():
        actual = influence[name]
        if "component" in actual.dims:
            actual = actual.sel(component=names).transpose(*dims, "component")
        assert_equal(actual.transpose(*dims, ...), expected, name)
    residual = influence.step_residual.transpose(*dims)
    scale = float(oracle.step_true.abs().max())
    assert np.abs(residual - oracle.step_residual.numpy()).max() <= TOLERANCE * scale


@pytest.mark.parametrize(
    "problem",
    [*PROBLEMS, *(pytest.param(problem, marks=pytest.mark.long) for problem in ONE_GROUP)],
    ids=lambda problem: problem.name,
)
def test_every_array_equals_the_forward_recursion(problem, tmp_path):
    influence = record_and_explain(problem, tmp_path, intervals=INTERVALS)
    path = problem.path()
    assert sum(p.numel() for p in path.trained()) < 500
    oracle = explain(path, problem.functional, *problem.test_data(), gauss_legendre_nodes(3))
    assert list(path.tensors) == trained_names(problem)
    assert_equal_to_oracle(influence, oracle, list(path.tensors))


@pytest.mark.parametrize("row", ROWS)
def test_the_clipping_of_everything_at_once_is_at_work(row):
    """Otherwise those cases would say nothing about clipping."""
    problem = everything_at_once(row, seed=30 + list(ROWS).index(row))
    clipped, free = problem.path(), problem.but(max_norm=None).path()
    assert not torch.allclose(clipped.parameters[-1], free.parameters[-1])


@pytest.mark.parametrize("subintervals", [1, 4])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_gauss_legendre_nodes_in_subintervals(order, subintervals, tmp_path):
    problem = Problem("gauss", one_group("adamw"), steps=4, seed=80)
    rule = Quadrature(rule="gauss_legendre", nodes=order, subintervals=subintervals, tolerance=None)
    influence = record_and_explain(problem, tmp_path, quadrature=rule)
    nodes = gauss_legendre_nodes(order, subintervals)
    oracle = explain(problem.path(), problem.functional, *problem.test_data(), nodes)
    assert_equal(influence.influence, oracle.influence.sum(-1), "influence")


def test_the_published_midpoint_rule(tmp_path):
    problem = Problem("midpoint", one_group("momentum"), steps=4, seed=81)
    rule = Quadrature(rule="midpoint", subintervals=6, tolerance=None)
    influence = record_and_explain(problem, tmp_path, quadrature=rule)
    oracle = explain(problem.path(), problem.functional, *problem.test_data(), midpoint_nodes(6))
    assert_equal(influence.influence, oracle.influence.sum(-1), "influence")
