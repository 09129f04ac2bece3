"""Loops as people write them: what counts is what lies in the gradient when a step is taken."""

import copy
import gc

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

import explaind
from explaind.errors import UnsupportedError
from tests.kernel.engine import explain, loader, record
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.forward_path_kernel import explain as oracle
from tests.oracles.problems import Problem, cross_entropy, target_log_probability

MOMENTUM = Problem("sgd", lambda m: torch.optim.SGD(m.parameters(), lr=0.2, momentum=0.8))
MICRO = [[0, 3, 5], [1, 2], [7, 4, 6], [9, 8], [0, 1, 2], [11, 10]]
"""Batches that are drawn; two make a step."""


class Loop:
    """A recorded loop over `MICRO` whose body a test writes."""

    def __init__(self, store, problem=MOMENTUM, **options):
        self.problem, self.model = problem, problem.model()
        self.optimizer = problem.optimizer(self.model)
        self.store, self.options = store, {"max_batch_size": 5, **options}

    def loss(self, batch):
        return cross_entropy(self.model(batch.x), batch.y).mean()

    def run(self, body, wrap=lambda recorder, data: recorder.batches(data), epochs=1):
        self.recorder = explaind.record(
            self.model, self.optimizer, cross_entropy, self.store, **self.options
        )
        with self.recorder:
            for _ in range(epochs):
                for number, batch in enumerate(
                    wrap(self.recorder, loader(self.problem.train_data(), MICRO))
                ):
                    if body(number, batch) == "break":
                        break
        return self

    def step(self, batch):
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        self.optimizer.step()

    def explained(self):
        return explain(self.problem, self.store, self.model)


def assert_as_if_trained_on(loop, batches, tmp_path):
    """Influence and parameters are those of a plain loop over these batches."""
    plain = tmp_path / "plain.zarr"
    model = record(loop.problem, plain, batches=batches)
    for mine, other in zip(loop.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-13)
    found, expected = loop.explained(), explain(loop.problem, plain, model)
    np.testing.assert_allclose(found.influence, expected.influence, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("divided", [True, False], ids=["divided", "summed"])
@pytest.mark.parametrize("keeps_zeros", [True, False], ids=["set to zero", "set to none"])
def test_gradients_of_two_batches_make_a_step(store, divided, keeps_zeros):
    loop = Loop(store)

    def body(number, batch):
        (loop.loss(batch) / (2 if divided else 1)).backward()
        if number % 2:
            loop.optimizer.step()
            loop.optimizer.zero_grad(set_to_none=not keeps_zeros)

    found = loop.run(body).explained()
    share = 0.5 if divided else 1.0
    problem = MOMENTUM.but(
        drawn=tuple(tuple(MICRO[k] + MICRO[k + 1]) for k in (0, 2, 4)),
        weigh=lambda _: [share / 3] * 3 + [share / 2] * 2,
    )
    nodes = gauss_legendre_nodes(3)
    expected = oracle(problem.path(), target_log_probability, *problem.test_data(), nodes)
    by_sample = expected.influence.sum(-1)
    torch.testing.assert_close(
        torch.from_numpy(found.influence.values), by_sample, rtol=1e-9, atol=1e-12
    )


def test_losses_of_two_batches_that_go_backward_as_one_sum(store, tmp_path):
    loop, losses = Loop(store), []

    def body(number, batch):
        losses.append(len(batch.index) * loop.loss(batch))
        if number % 2:
            loop.optimizer.zero_grad()
            (sum(losses) / 5).backward()
            loop.optimizer.step()
            losses.clear()

    loop.run(body)
    problem = loop.problem.but(
        drawn=tuple(tuple(MICRO[k] + MICRO[k + 1]) for k in (0, 2, 4)),
        weigh=lambda batch: [0.2] * len(batch),
    )
    nodes = gauss_legendre_nodes(3)
    expected = oracle(problem.path(), target_log_probability, *problem.test_data(), nodes)
    found = torch.from_numpy(loop.explained().influence.values)
    torch.testing.assert_close(found, expected.influence.sum(-1), rtol=1e-9, atol=1e-12)


def test_a_batch_that_is_left_does_not_count(store, tmp_path):
    """Before or after its backward pass; or the loop ends there and begins anew."""
    loop = Loop(store)

    def body(number, batch):
        if number == 1:
            return None
        if number == 2:
            loop.optimizer.zero_grad()
            loop.loss(batch).backward()
            return None
        if number == 4:
            return "break"
        return loop.step(batch)

    loop.run(body, epochs=2)
    assert_as_if_trained_on(loop, [MICRO[0], MICRO[3], MICRO[0], MICRO[3]], tmp_path)


@pytest.mark.parametrize("fused", [False, True])
def test_a_step_that_a_scaler_skips_does_not_count(store, tmp_path, fused):
    problem = MOMENTUM.but(optimizer=lambda m: torch.optim.AdamW(m.parameters(), 0.1, fused=fused))
    loop, scaler = Loop(store, problem), torch.amp.GradScaler("cpu", init_scale=8.0)

    def body(number, batch):
        loop.optimizer.zero_grad()
        scaler.scale(loop.loss(batch)).backward()
        if number == 1:
            loop.model.last.bias.grad[0] = float("inf")
        scaler.step(loop.optimizer)
        scaler.update()

    loop.run(body)
    assert_as_if_trained_on(loop, [MICRO[0], *MICRO[2:]], tmp_path)


def test_a_scaled_loss_that_is_clipped(store, tmp_path):
    loop, scaler = Loop(store), torch.amp.GradScaler("cpu", init_scale=8.0)

    def body(number, batch):
        loop.optimizer.zero_grad()
        scaler.scale(loop.loss(batch)).backward()
        scaler.unscale_(loop.optimizer)
        nn.utils.clip_grad_norm_(loop.model.parameters(), 0.2)
        scaler.step(loop.optimizer)
        scaler.update()

    loop.run(body)
    loop.problem = MOMENTUM.but(max_norm=0.2)
    assert_as_if_trained_on(loop, MICRO, tmp_path)


def test_a_step_with_a_closure(store, tmp_path):
    loop = Loop(store)

    def body(number, batch):
        def closure():
            loop.optimizer.zero_grad()
            loss = loop.loss(batch)
            loss.backward()
            return loss

        loop.optimizer.step(closure) if number % 2 else loop.optimizer.step(closure=closure)

    loop.run(body)
    assert_as_if_trained_on(loop, MICRO, tmp_path)


WRAPPED = {
    "progress bar": lambda recorder, data: recorder.batches(tqdm(data, disable=True)),
    "progress bar outside": lambda recorder, data: tqdm(recorder.batches(data), disable=True),
    "iterator": lambda recorder, data: recorder.batches(iter(data)),
    "own batches": lambda recorder, data: (
        recorder.step_of(torch.tensor(rows), *data.dataset[rows]) for rows in MICRO
    ),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_ways_to_draw(store, tmp_path, wrap):
    loop = Loop(store)
    loop.run(lambda _, batch: loop.step(batch), wrap)
    assert_as_if_trained_on(loop, MICRO, tmp_path)


def test_two_steps_on_one_batch(store, tmp_path):
    loop = Loop(store)
    loop.run(lambda _, batch: (loop.step(batch), loop.step(batch)))
    assert_as_if_trained_on(loop, [rows for rows in MICRO for _ in range(2)], tmp_path)


def test_evaluation_copies_and_other_models_do_not_count(store, tmp_path):
    loop = Loop(store)
    other = copy.deepcopy(loop.model)

    def body(number, batch):
        with torch.no_grad():
            loop.model(batch.x)
        loop.model(batch.x).sum()  # no backward pass
        copy.deepcopy(loop.model)(batch.x).sum().backward()
        other(batch.x).sum().backward()
        loop.step(batch)

    loop.run(body)
    assert_as_if_trained_on(loop, MICRO, tmp_path)


def test_what_names_no_samples_is_refused(store):
    loop = Loop(store)
    with pytest.raises(UnsupportedError, match=r"got list of list.*enumerate\(recorder.batches"):
        loop.run(lambda *_: None, lambda recorder, data: recorder.batches(list(data)))


def test_an_iterator_with_workers_is_refused(store):
    x, y = MOMENTUM.train_data()
    drawn = iter(DataLoader(TensorDataset(x, y), batch_size=4, num_workers=1))
    with pytest.raises(UnsupportedError, match="worker processes"):
        Loop(store).run(lambda *_: None, lambda recorder, _: recorder.batches(drawn))


def test_a_layer_may_be_frozen_on_the_way(store):
    """From step 3 on torch skips it; the checks of step 4 look at the other tensors."""
    loop = Loop(store)

    def body(number, batch):
        if number == 3:
            loop.model.last.requires_grad_(False)
        loop.step(batch)

    loop.run(body)
    found = loop.explained()
    assert found.attrs["completeness_error"] < 1e-12
    late = found.step_net_by_component.sel(step=slice(3, None))
    assert not abs(late.sel(component=["last.weight", "last.bias"])).any()
    assert abs(late.sel(component="second.weight")).max() > 1e-4


def test_a_training_under_autocast_states_its_error(store):
    """Gradients in half precision moved the parameters; single precision explains them closely."""
    model, (x, y) = MOMENTUM.model().float(), MOMENTUM.train_data()
    optimizer = MOMENTUM.optimizer(model)
    with explaind.record(model, optimizer, cross_entropy, store) as recorder:
        for batch in recorder.batches(loader((x.float(), y), MOMENTUM.batches())):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = cross_entropy(model(batch.x), batch.y).mean()
            loss.backward()
            optimizer.step()
    kernel = explaind.PathKernel(store, model, cross_entropy, (x.float(), y))
    found = kernel.explain(x[:3].float(), y[:3])
    assert found.attrs["recorded_dtype"] == "bfloat16"
    assert 1e-6 < found.attrs["completeness_error"] < 2e-2
    with torch.inference_mode():
        assert kernel.explain(x[:3].float(), y[:3]).equals(found)


def test_no_step_is_kept_alive(tmp_path):
    alive = []

    def body(number, batch):
        output = loop.model(batch.x)
        loop.optimizer.zero_grad()
        cross_entropy(output, batch.y).mean().backward()
        loop.optimizer.step()
        gc.collect()
        like = [o for o in gc.get_objects() if type(o) is torch.Tensor]
        alive.append(sum(tensor.shape[1:] == output.shape[1:] for tensor in like))

    loop = Loop(tmp_path / "run.zarr")
    gc.freeze()  # what there was before is not looked through at every step
    loop.run(body, epochs=2)  # the checks at steps 0, 1 and 4 keep what they looked at
    gc.unfreeze()
    assert max(alive[5:]) == alive[5]
