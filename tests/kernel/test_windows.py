"""A recording that begins in the middle of a training: the same steps of the whole training."""

import numpy as np
import pytest
import torch
from torch import optim

import explaind
from tests.history.checkpointed import groups
from tests.kernel.engine import SMOOTH, explain, record
from tests.oracles import forward_path_kernel
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.problems import Problem

BEFORE, STEPS = 4, 9
NODES = gauss_legendre_nodes(3)
KNOWN = {
    "adamw": lambda m: optim.AdamW(m.parameters(), lr=0.05, weight_decay=0.5),
    "adam, groups": groups(optim.Adam, lr=0.01, weight_decay=0.1, amsgrad=True),
    "nesterov": lambda m: optim.SGD(
        m.parameters(), lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.1
    ),
}
OTHERS = {
    "nadam": lambda m: optim.NAdam(m.parameters(), lr=0.05, weight_decay=0.1),
    "radam": lambda m: optim.RAdam(m.parameters(), lr=0.05, betas=(0.9, 0.9)),
    "adamax": lambda m: optim.Adamax(m.parameters(), lr=0.05, weight_decay=0.1),
    "rmsprop": lambda m: optim.RMSprop(m.parameters(), lr=0.01, momentum=0.8, weight_decay=0.1),
}


def window(problem, folder, stop=STEPS, **options):
    """Record steps 4 to `stop` of a training, model and optimizer loaded from a checkpoint."""
    model, batches = problem.model(), problem.batches()
    optimizer = problem.optimizer(model)
    record(problem, folder / "b.zarr", model=model, optimizer=optimizer, batches=batches[:BEFORE])
    loaded = problem.model()
    loaded.load_state_dict(model.state_dict())
    its_optimizer = problem.optimizer(loaded)
    its_optimizer.load_state_dict(optimizer.state_dict())
    given = {"model": loaded, "optimizer": its_optimizer, "batches": batches[BEFORE:stop]}
    return record(problem, folder / "window.zarr", **given, **options)


def by_query(values):
    """`[..., tensor]` of the oracle summed over the tensors."""
    return values.sum(-1).numpy()


@pytest.mark.parametrize("kind", KNOWN)
def test_the_parts_are_those_of_the_same_steps_of_the_whole_training(kind, tmp_path):
    problem = Problem("window", KNOWN[kind], steps=STEPS)
    found = explain(problem, tmp_path / "window.zarr", window(problem, tmp_path))
    x, target = problem.test_data()
    path, nodes = problem.path(), NODES
    whole = forward_path_kernel.explain(path, problem.functional, x, target, nodes, since=BEFORE)
    for name in ("step_data", "step_decay", "step_carry"):
        expected = getattr(whole, name)[BEFORE:]
        np.testing.assert_allclose(found[name], by_query(expected), rtol=1e-7, atol=1e-12)
        by_component = np.moveaxis(found[f"{name}_by_component"].values, 1, -1)
        np.testing.assert_allclose(by_component, expected, rtol=1e-7, atol=1e-12)
    influence = whole.influence_applied[BEFORE:].sum((0, -1))
    np.testing.assert_allclose(found.influence, influence, rtol=1e-7, atol=1e-12)
    carry = by_query(whole.step_carry[BEFORE:].sum(0))
    np.testing.assert_allclose(found.carry, carry, rtol=1e-7, atol=1e-12)
    assert abs(found.carry).max() > 1e-2
    total = found.initial_output + found.data + found.carry + found.decay + found.residual
    np.testing.assert_allclose(total, found.final_output, rtol=1e-12)


@pytest.mark.parametrize("kind", KNOWN | OTHERS)
def test_one_step_from_a_checkpoint_closes_to_rounding(kind, tmp_path):
    problem = Problem("window", (KNOWN | OTHERS)[kind], steps=STEPS)
    model = window(problem, tmp_path, stop=BEFORE + 1)
    keep = ("influence", "parameter")
    found = explain(problem, tmp_path / "window.zarr", model, keep=keep)
    assert found.sizes["step"] == 1
    assert found.attrs["completeness_error"] < 1e-12
    assert abs(found.rounding).max() < 1e-13
    assert abs(found.carry).max() > 1e-3
    np.testing.assert_allclose(found.parameter_carry.sum("param")[0], found.carry, rtol=1e-9)


WITHOUT_MOMENTUM = {
    "adagrad": lambda m: optim.Adagrad(m.parameters(), lr=0.1, lr_decay=0.1),
    "adadelta": lambda m: optim.Adadelta(m.parameters(), lr=0.5),
    "rmsprop, centered": lambda m: optim.RMSprop(m.parameters(), lr=0.01, centered=True),
}
REPLAYED = KNOWN | OTHERS | WITHOUT_MOMENTUM
QUICK = ("adamw", "nesterov", "adadelta")


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[] if kind in QUICK else pytest.mark.long)
        for kind in sorted(REPLAYED.keys() - {"nadam"})
    ],
)
def test_a_checkpointed_history_says_the_same(kind, tmp_path):
    problem = Problem("window", REPLAYED[kind], steps=STEPS)
    stores = []
    for every in (1, 2):
        folder = tmp_path / str(every)
        model = window(problem, folder, every=every)
        stores.append(explain(problem, folder / "window.zarr", model))
    for name in stores[0]:
        np.testing.assert_array_equal(stores[0][name], stores[1][name], err_msg=name)


def test_segments_add_up(tmp_path):
    problem = Problem("window", KNOWN["nesterov"], steps=STEPS)
    model = window(problem, tmp_path)
    keep = ("influence",)
    whole = explain(problem, tmp_path / "window.zarr", model, keep=keep)
    parts = [
        explain(problem, tmp_path / "window.zarr", model, keep=keep, segment=(k, 2))
        for k in range(2)
    ]
    for name in ("influence", "carry", "decay"):
        added = sum(part[name] for part in parts)
        np.testing.assert_allclose(added, whole[name], rtol=1e-9, atol=1e-13)


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_outputs_are_rebuilt_with_the_carry(tmp_path):
    problem = Problem("window", KNOWN["adamw"], steps=STEPS)
    store, data = tmp_path / "window.zarr", problem.train_data()
    kernel = explaind.PathKernel(
        store, window(problem, tmp_path), problem.loss_fn, data, quadrature=SMOOTH
    )
    x, y = problem.test_data()
    rebuilt = kernel.reformulate(x, y)
    whole = kernel.explain(x, y, outputs="all", keep=())
    np.testing.assert_allclose(rebuilt.carry, whole.carry, rtol=1e-9)
    np.testing.assert_allclose(rebuilt.reformulated + rebuilt.residual, rebuilt.true, rtol=1e-9)
    assert {"step_carry_mean_abs"} <= set(rebuilt)


def take_steps(problem, model, optimizer, recorder, batches):
    """A loop that draws its batches itself."""
    x, y = problem.train_data()
    for index in map(torch.tensor, batches):
        batch = recorder.step_of(index, x[index], y[index])
        optimizer.zero_grad()
        problem.loss_fn(model(batch.x), batch.y).mean().backward()
        optimizer.step()


def interrupted(problem, model, optimizer, store, batches, **options):
    """Record some steps and stop."""
    with explaind.record(model, optimizer, problem.loss_fn, store, **options) as recorder:
        take_steps(problem, model, optimizer, recorder, batches)
        raise KeyboardInterrupt


def test_an_interrupted_recording_goes_on_with_the_momentum_it_began_with(tmp_path):
    problem = Problem("window", KNOWN["adamw"], steps=STEPS)
    expected = explain(problem, tmp_path / "window.zarr", window(problem, tmp_path))
    model, (*before, first, second) = problem.model(), problem.batches()[: BEFORE + 2]
    optimizer = problem.optimizer(model)
    record(problem, tmp_path / "c.zarr", model=model, optimizer=optimizer, batches=before)
    store, options = tmp_path / "resumed.zarr", {"chunk": 1, "max_batch_size": 5}
    with pytest.raises(KeyboardInterrupt):
        interrupted(problem, model, optimizer, store, [first, second], **options)
    model = problem.model()
    optimizer = problem.optimizer(model)
    arguments = model, optimizer, problem.loss_fn, store
    with explaind.record(*arguments, resume=True, **options) as recorder:
        rest = problem.batches()[BEFORE + recorder.steps :]
        assert len(rest) == STEPS - BEFORE - 2
        take_steps(problem, model, optimizer, recorder, rest)
    found = explain(problem, store, model)
    np.testing.assert_array_equal(found.carry, expected.carry)
