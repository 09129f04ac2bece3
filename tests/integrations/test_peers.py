"""Other libraries beside this one: where they compute the same, the numbers are the same."""

import pytest
import torch
from torch import nn

import explaind
from tests.requirements import library

library("captum.influence")
library("kronfluence")
from captum.influence import TracInCP  # noqa: E402

from benchmarks.peers import LOSS, METHODS, Size, compare, digits, lines  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, about themselves

SMALL = Size(train=40, test=6, epochs=4, subsets=6)


def smooth():
    """Without units that switch within a step."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 10))


def full_batch(folder, rate, steps=5):
    """Path kernel, and TracInCP at the parameters before each step, of full batches."""
    data, queries = digits(SMALL, 0)
    model = smooth()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    checkpoints = [str(folder / f"{rate} {step}.pt") for step in range(steps)]
    with explaind.record(model, optimizer, LOSS, folder / f"{rate}.zarr") as recorder:
        for checkpoint in checkpoints:
            torch.save(model.state_dict(), checkpoint)
            batch = recorder.step_of(torch.arange(len(data)), *data.tensors)
            optimizer.zero_grad()
            LOSS(model(batch.x), batch.y).mean().backward()
            optimizer.step()

    def load(module, checkpoint):
        module.load_state_dict(torch.load(checkpoint))
        return rate / len(data)  # as much as the step gave each sample

    kernel = explaind.PathKernel(folder / f"{rate}.zarr", model, LOSS, data)
    own = torch.from_numpy(kernel.scores(*queries))
    summed = {"loss_fn": nn.CrossEntropyLoss(reduction="sum"), "sample_wise_grads_per_batch": True}
    tracin = TracInCP(smooth(), data, checkpoints, load, batch_size=len(data), **summed)
    return own, tracin.influence(queries)


def test_tracin_at_every_step_of_full_batches_is_the_path_kernel_of_short_steps(tmp_path):
    """It takes gradients at the beginning of a step for those along it: an error of first order."""
    errors = []
    for rate in (0.04, 0.02):
        own, theirs = full_batch(tmp_path, rate)
        errors.append(float((own - theirs).norm() / own.norm()))
    assert errors[0] < 0.05
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.2)


def test_the_comparison(tmp_path):
    compared = compare(SMALL, 0, 1, tmp_path)
    assert [score.shape for score in compared.scores] == [(6, 40)] * len(METHODS)
    assert compared.summed[0] == pytest.approx(1, rel=1e-2)  # complete, but for the residual
    assert compared.agreement[0][1] > 0.9
    assert all(-1 <= score <= 1 for score in compared.retrained)
    assert all(lines(method, beside) > 3 for method, beside in METHODS.values())
