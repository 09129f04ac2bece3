"""One test for each defect of the published library that silently spoiled numbers or crashed.

The numbers D1 ... are those of the list of defects in the specification of the reference.
"""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW

import explaind.errors
from explaind.kernel.query.quadrature import Quadrature
from tests.kernel import engine
from tests.kernel.engine import record
from tests.oracles.problems import TRAIN_SAMPLES, Problem, all_outputs, shuffled_batches, tokens
from tests.oracles.smooth_models import BufferBeforeParameter, Mlp, TiedWeights

ADAMW = Problem("adamw", lambda model: AdamW(model.parameters(), lr=0.05, weight_decay=0.5))
MOMENTUM = Problem(
    "momentum", lambda model: SGD(model.parameters(), lr=0.2, momentum=0.8, weight_decay=0.1)
)
CONVERGED = Quadrature(rule="gauss_legendre", nodes=7, tolerance=None)
"""To rounding on these smooth networks: the residual is zero if and only if the parts are right."""
explain = partial(engine.explain, quadrature=CONVERGED)
record_and_explain = partial(engine.record_and_explain, quadrature=CONVERGED)
BOTH = pytest.mark.parametrize("problem", [ADAMW, MOMENTUM], ids=["adamw", "momentum"])


def assert_complete(influence):
    """Initial value, influence and decay give the final output; nothing is left to the residual."""
    explained = influence.initial_output + influence.influence.sum("train") + influence.decay
    change = np.abs(influence.final_output - influence.initial_output).max()
    assert change > 0.02
    assert np.abs(explained - influence.final_output).max() < 1e-9 * change


def assert_same(actual, expected, tolerance=1e-9):
    actual, expected = np.asarray(actual), np.asarray(expected)
    np.testing.assert_allclose(actual, expected, rtol=0.0, atol=tolerance * np.abs(expected).max())


def assert_differs(actual, expected):
    """By more than a hundredth of the largest number."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert np.abs(actual - expected).max() > 0.01 * np.abs(expected).max()


@BOTH
def test_d1_a_shuffled_full_batch_scrambled_the_train_axis(problem, tmp_path):
    """Step kernels already in dataset order were put into "batch order" once more.

    The order of a full batch does not matter for the training, so not for the influence either.
    """
    shuffled = shuffled_batches(TRAIN_SAMPLES, TRAIN_SAMPLES, 6, seed=1)
    ordered = [list(range(TRAIN_SAMPLES))] * 6
    assert shuffled != ordered
    results = []
    for name, batches in (("shuffled", shuffled), ("ordered", ordered)):
        store = tmp_path / f"{name}.zarr"
        model = record(problem, store, batches=batches)
        results.append(explain(problem, store, model).influence.squeeze())
    assert_same(*results)
    assert_differs(results[0][:, ::-1], results[1])


@pytest.mark.parametrize("learning_rate", [0.1, 0.001])
def test_d2_the_decay_part_was_multiplied_by_the_learning_rate_twice(learning_rate, tmp_path):
    """For a linear model the decay of plain SGD is ``-lr wd sum_s <theta_s, x>``."""

    class Linear(nn.Linear):
        def __init__(self):
            super().__init__(4, 3, bias=False)

    problem = Problem(
        "linear",
        lambda model: SGD(model.parameters(), lr=learning_rate, weight_decay=0.5),
        make_model=Linear,
        outputs="all",
        functional=all_outputs,
    )
    influence = record_and_explain(problem, tmp_path)
    x, _ = problem.test_data()
    before = torch.stack(problem.path().parameters[:-1]).unflatten(1, (3, 4))
    expected = -learning_rate * 0.5 * torch.einsum("soi,qi->qo", before, x)
    assert_same(influence.decay, expected)
    assert_same(influence.step_decay.sum("step"), expected)


@BOTH
def test_d3_only_the_last_interval_was_kept(problem, tmp_path):
    """Intervals cover all steps, differ, and add up to the total (each batch with its weight)."""
    influence = record_and_explain(problem.but(steps=8), tmp_path, intervals=4)
    parts = influence.influence_by_interval.sum("component")
    assert influence.interval_start.values.tolist() == [0, 2, 4, 6]
    assert influence.interval_stop.values.tolist() == [2, 4, 6, 8]
    assert_same(parts.sum("interval"), influence.influence)
    for a in range(4):
        for b in range(a):
            assert_differs(parts[a], parts[b])


@BOTH
def test_d4_d5_keeping_fewer_arrays_crashed(problem, tmp_path):
    """Without the parameter-wise kernel (D4), or without its output axis but with targets (D5)."""
    everything = record_and_explain(problem, tmp_path, intervals=3)
    change = everything.final_output - everything.initial_output
    for keep in ((), ("component",), ("interval",), ("influence",)):
        less = explain(problem, tmp_path / f"{problem.name}.zarr", problem.model(), keep=keep)
        assert ("influence_by_component" in less) == ("component" in keep)
        assert ("influence_by_interval" in less) == ("interval" in keep)
        assert ("influence" in less) == ("influence" in keep)
        for name in ("data", "decay", "step_data", "step_decay", "step_true"):
            assert_same(less[name], everything[name])
        # the residual may be rounding alone
        assert_same(change + less.residual, change + everything.residual)


@BOTH
def test_d6_unequal_batches_were_divided_by_the_size_of_the_current_batch(problem, tmp_path):
    """The momentum holds gradients of earlier batches, each a mean over its own size."""
    sizes = {len(batch) for batch in problem.batches()}
    assert sizes == {2, 5}
    assert_complete(record_and_explain(problem, tmp_path))


class LogProbabilities(Mlp):
    def forward(self, x):
        return super().forward(x).log_softmax(-1)


def negative_log_likelihood(output, target):
    return nn.functional.nll_loss(output, target, reduction="none")


@BOTH
def test_d7_cross_entropy_was_handled_as_if_logits_were_log_probabilities(problem, tmp_path):
    """Raw logits with cross-entropy are the same training as log-softmax with NLL."""
    logits = record_and_explain(problem, tmp_path)
    log_probabilities = record_and_explain(
        problem.but(name="nll", make_model=LogProbabilities, loss_fn=negative_log_likelihood),
        tmp_path,
    )
    assert_complete(logits)
    assert_same(logits.influence, log_probabilities.influence)
    assert_same(logits.decay, log_probabilities.decay)


def ridge(parameters):
    return 0.2 * sum(value.square().sum() for value in parameters.values())


@BOTH
def test_d8_an_explicit_penalty_was_left_out_of_the_decomposition(problem, tmp_path):
    """Its part is reported as decay; an L2 penalty is weight decay by another name."""
    influence = record_and_explain(problem.but(name="penalty", penalty=ridge), tmp_path)
    assert_complete(influence)
    if problem is MOMENTUM:
        decayed = problem.but(
            name="decay",
            optimizer=lambda model: SGD(
                model.parameters(), lr=0.2, momentum=0.8, weight_decay=0.1 + 2 * 0.2
            ),
        )
        same = record_and_explain(decayed, tmp_path)
        assert_same(influence.influence, same.influence)
        assert_same(influence.decay, same.decay)


@BOTH
def test_d8_a_penalty_that_was_forgotten_is_noticed(problem, tmp_path):
    with pytest.raises(explaind.errors.RecordingError, match=r"0\.4 times the parameters.*penalty"):
        record(problem.but(penalty=ridge), tmp_path / "run.zarr", penalty=None)


class WithFrozenTensor(Mlp):
    def __init__(self):
        super().__init__()
        self.second.weight.requires_grad_(requires_grad=False)


@BOTH
@pytest.mark.parametrize("make_model", [BufferBeforeParameter, WithFrozenTensor])
def test_d26_buffers_and_frozen_parameters_were_treated_as_trained(problem, make_model, tmp_path):
    """They were credited with influence and decay."""
    influence = record_and_explain(problem.but(make_model=make_model), tmp_path)
    assert_complete(influence)
    constants = {"scaling.scale", "scaling.shift", "second.weight"}
    if make_model is BufferBeforeParameter:
        constants.remove("second.weight")
    assert not constants & set(influence.component.values)


@BOTH
@pytest.mark.parametrize("make_model", [BufferBeforeParameter, WithFrozenTensor])
def test_d26_constants_are_those_of_the_run(problem, make_model, tmp_path):
    """Not those that the model passed to ``PathKernel`` happens to hold."""
    problem = problem.but(make_model=make_model)
    store = tmp_path / "run.zarr"
    model = record(problem, store)
    expected = explain(problem, store, model)
    with torch.no_grad():
        for value in [*model.buffers(), *model.parameters()]:
            value.mul_(3)
    assert_same(explain(problem, store, model).influence, expected.influence)


@BOTH
def test_d26_double_precision_parameters_dropped_out(problem, tmp_path):
    """Only float32 was differentiated; the history must not round to it either."""
    influence = record_and_explain(problem, tmp_path, dtype=None)
    assert_complete(influence)
    assert np.abs(influence.residual).max() < 1e-9


class Masked(nn.Module):
    """The MLP behind a buffer of the shape of its first tensor."""

    def __init__(self):
        super().__init__()
        self.masking = nn.Module()
        self.mlp = Mlp()
        self.masking.register_buffer("mask", torch.ones(6, 4))

    def forward(self, x):
        return self.mlp(x * self.masking.mask[0])


@BOTH
def test_d29_a_buffer_in_front_shifted_the_names_of_the_parameters(problem, tmp_path):
    """Silent where shapes agree. A buffer that changes nothing must change nothing."""

    masked = record_and_explain(problem.but(name="masked", make_model=Masked), tmp_path)
    plain = record_and_explain(problem, tmp_path)
    assert_same(masked.influence_by_component, plain.influence_by_component)


@BOTH
def test_d29_tied_weights_crashed(problem, tmp_path):
    influence = record_and_explain(problem.but(make_model=TiedWeights, make_data=tokens), tmp_path)
    assert_complete(influence)
    assert "decoder.weight" not in influence.component.values


class Wrapper(nn.Module):
    """Another prefix of the parameter names than the optimizer was built with."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)


@BOTH
def test_d30_an_optimizer_built_on_the_bare_model_lost_its_preconditioner(problem, tmp_path):
    """Second moments were looked up by names with a prefix that was hard-coded."""
    bare = record_and_explain(problem, tmp_path)
    inner = problem.model()
    wrapped = problem.but(name="wrapped", make_model=lambda: Wrapper(Mlp()))
    store = tmp_path / "wrapped.zarr"
    optimizer = problem.optimizer(inner)
    model = record(wrapped, store, model=Wrapper(inner), optimizer=optimizer)
    assert_same(explain(wrapped, store, model).influence, bare.influence)


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_d33_amsgrad_was_not_modelled(kind, tmp_path):
    """The step divides by the largest second moment so far."""

    def problem(amsgrad):
        options = {"lr": 0.05, "betas": (0.7, 0.5), "weight_decay": 0.1, "amsgrad": amsgrad}
        name = f"amsgrad_{amsgrad}"
        return ADAMW.but(name=name, optimizer=lambda model: kind(model.parameters(), **options))

    influence = record_and_explain(problem(amsgrad=True), tmp_path)
    assert_complete(influence)
    assert_differs(
        record_and_explain(problem(amsgrad=False), tmp_path).influence, influence.influence
    )


def test_d39_nesterov_was_ignored(tmp_path):
    def problem(nesterov):
        options = {"lr": 0.1, "momentum": 0.8, "nesterov": nesterov, "weight_decay": 0.1}
        name = f"nesterov_{nesterov}"
        return MOMENTUM.but(name=name, optimizer=lambda model: SGD(model.parameters(), **options))

    influence = record_and_explain(problem(nesterov=True), tmp_path)
    assert_complete(influence)
    without = record_and_explain(problem(nesterov=False), tmp_path)
    assert_differs(without.influence, influence.influence)


@pytest.mark.parametrize("steps", [1, 2, 9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_d40_dampening_of_the_first_step_and_of_the_decay(steps, weight_decay, tmp_path):
    """Torch does not damp the first step, and damps the decay term as well; both differed."""
    options = {"lr": 0.3, "momentum": 0.8, "dampening": 0.5, "weight_decay": weight_decay}
    problem = MOMENTUM.but(steps=steps, optimizer=lambda model: SGD(model.parameters(), **options))
    influence = record_and_explain(problem, tmp_path)
    assert_complete(influence)
    assert (np.abs(influence.decay).max() > 0) == (weight_decay > 0)
