"""Optimizers as configured, and their learning rates by step."""

import numpy as np
import pytest
import torch

from explaind.config.training import Training
from explaind.training.optimizer import build_optimizer, learning_rate, set_learning_rate

PUBLISHED = Training(
    optimizer={"kind": "sgd", "learning_rate": 0.1},
    schedule={"kind": "triangular", "peak_epoch": 5},
    batch_size=256,
    max_steps=None,
    epochs=12,
)


def test_triangle_of_the_paper():
    """From 0 to the full rate at the peak to 0 at the end, in even steps; 40 batches an epoch."""
    rates = [learning_rate(PUBLISHED, step, 10_000) for step in range(480)]
    rise, fall = 0.1 * np.arange(201) / 200, 0.1 * np.arange(279, 0, -1) / 280
    np.testing.assert_allclose(rates, np.append(rise, fall), rtol=1e-12)


def test_a_peak_between_two_steps():
    settings = Training(
        optimizer={"kind": "sgd", "learning_rate": 1.0},
        schedule={"kind": "triangular", "peak_epoch": 2.5},
        max_steps=5,
    )
    rates = [learning_rate(settings, step, 7) for step in range(5)]
    assert rates == pytest.approx([0.0, 0.4, 0.8, 0.8, 0.4])


def test_constant_is_the_rate_of_the_optimizer():
    assert {learning_rate(Training(), step, 7) for step in (0, 10, 1499)} == {1e-3}


@pytest.mark.parametrize(("samples", "steps"), [(256, 12), (257, 24), (10_000, 480)])
def test_steps_of_all_epochs(samples, steps):
    assert PUBLISHED.steps(samples) == steps


OPTIMIZERS = {
    "sgd": (
        {"kind": "sgd", "learning_rate": 0.2, "momentum": 0.8, "nesterov": True},
        torch.optim.SGD,
        {"lr": 0.2, "momentum": 0.8, "nesterov": True, "dampening": 0.0},
    ),
    "adam": (
        {"kind": "adam", "betas": (0.7, 0.9), "eps": 1e-6, "amsgrad": True},
        torch.optim.Adam,
        {"betas": (0.7, 0.9), "eps": 1e-6, "amsgrad": True},
    ),
    "adamw": ({"kind": "adamw", "weight_decay": 0.3}, torch.optim.AdamW, {"weight_decay": 0.3}),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_options_are_those_of_the_config(kind):
    section, expected, options = OPTIMIZERS[kind]
    model = torch.nn.Linear(2, 1)
    optimizer = build_optimizer(Training(optimizer=section).optimizer, model)
    assert type(optimizer) is expected
    (group,) = optimizer.param_groups
    assert {name: group[name] for name in options} == options
    assert len(group["params"]) == 2
    set_learning_rate(optimizer, 0.125)
    assert group["lr"] == 0.125
