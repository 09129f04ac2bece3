"""The oracle against numbers worked out by hand, and its own bookkeeping on every optimizer."""

import pytest
import torch
from torch import nn

from tests.oracles.dense_midpoint import gauss_legendre_nodes, set_values
from tests.oracles.forward_path_kernel import explain
from tests.oracles.problems import Problem, all_outputs
from tests.oracles.recorded_path import train

OPTIMIZERS = {
    "sgd": lambda model: torch.optim.SGD(model.parameters(), lr=0.3, weight_decay=0.1),
    "momentum": lambda model: torch.optim.SGD(
        model.parameters(), lr=0.2, momentum=0.8, dampening=0.3, weight_decay=0.1
    ),
    "nesterov": lambda model: torch.optim.SGD(
        model.parameters(), lr=0.2, momentum=0.8, nesterov=True, weight_decay=0.1
    ),
    "adam": lambda model: torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=0.1),
    "adamw": lambda model: torch.optim.AdamW(model.parameters(), lr=0.05, weight_decay=0.5),
    "adam_amsgrad": lambda model: torch.optim.Adam(
        model.parameters(), lr=0.05, betas=(0.8, 0.7), weight_decay=0.1, amsgrad=True
    ),
    "adamw_amsgrad": lambda model: torch.optim.AdamW(
        model.parameters(), lr=0.05, betas=(0.8, 0.7), weight_decay=0.5, amsgrad=True
    ),
    "nadam": lambda model: torch.optim.NAdam(model.parameters(), lr=0.05, weight_decay=0.1),
    "radam": lambda model: torch.optim.RAdam(model.parameters(), lr=0.05, betas=(0.8, 0.9)),
    "adamax": lambda model: torch.optim.Adamax(model.parameters(), lr=0.05, weight_decay=0.1),
    "rmsprop": lambda model: torch.optim.RMSprop(model.parameters(), lr=0.002, centered=True),
    "adagrad": lambda model: torch.optim.Adagrad(model.parameters(), lr=0.1, lr_decay=0.1),
    "adadelta": lambda model: torch.optim.Adadelta(model.parameters(), lr=0.9, eps=1e-3),
}


def test_two_steps_of_momentum_and_weight_decay_worked_out_by_hand():
    """h = 3 w; losses (w x)^2 / 2 with x = 1, 2; w = 1 -> 0.7 -> 0.235."""
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.ones_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5, weight_decay=0.5)
    x = torch.tensor([[1.0], [2.0]]).double()

    def half_square(output, target):
        return (output - target).square().sum(-1) / 2

    path = train(model, optimizer, half_square, (x, torch.zeros(2, 1).double()), [[0, 1], [1]])
    query, unused = torch.tensor([[3.0]]).double(), torch.zeros(1)
    result = explain(path, all_outputs, query, unused, gauss_legendre_nodes(1))

    close = pytest.approx
    assert torch.cat(path.parameters).tolist() == close([1.0, 0.7, 0.235], abs=1e-14)
    assert result.influence.flatten().tolist() == close([-0.225, -1.74], abs=1e-13)
    assert result.influence_at.flatten().tolist() == close([-0.225, -0.9, 0.0, -0.84], abs=1e-13)
    assert result.step_data.flatten().tolist() == close([-0.75, -1.215], abs=1e-13)
    assert result.step_decay.flatten().tolist() == close([-0.15, -0.18], abs=1e-13)
    assert result.decay.item() == close(-0.33, abs=1e-13)
    assert (result.initial.item(), result.final.item()) == close((3.0, 0.705), abs=1e-13)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_parts_add_up_to_the_final_output(name):
    problem = Problem(
        name,
        OPTIMIZERS[name],
        scheduler=lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8),
        max_norm=0.5,
        penalty=lambda parameters: 0.01 * parameters["last.weight"].square().sum(),
    )
    path = problem.path()
    x, target = problem.test_data()
    result = explain(path, problem.functional, x, target, gauss_legendre_nodes(6))
    set_values(path.trained(), path.parameters[-1])
    with torch.no_grad():
        final = problem.functional(path.model(x), target)[:, None]
    explained = result.initial + result.influence.sum((-2, -1)) + result.decay
    assert result.step_residual.abs().max() < 1e-11
    torch.testing.assert_close(result.final, final)
    torch.testing.assert_close(explained, final, rtol=0.0, atol=1e-11)
    assert result.step_true.abs().sum() > 0.1
