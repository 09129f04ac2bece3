"""Trainings for checkpointed histories, and how they are recorded and read."""

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, NAdam
from torch.optim.lr_scheduler import ExponentialLR, OneCycleLR

from explaind.history.replay.history import History
from explaind.history.replay.replayer import TrainingSetup
from explaind.kernel.contraction.training_data import TrainingData
from tests.kernel.engine import record
from tests.oracles.problems import Problem
from tests.oracles.smooth_models import Mlp


class Wide(Mlp):
    """Scaled by a sum long enough that torch splits it over threads."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Parameter(torch.randn(100_000))

    def forward(self, x):
        return super().forward(x) * (1e-4 * self.wide.cos().sum())


def penalty(parameters):
    return 0.01 * sum(tensor.square().sum() for tensor in parameters.values())


def groups(kind, **options):
    """Weights and biases apart, with options of their own."""

    def optimizer(model):
        named = dict(model.named_parameters())
        weights = [tensor for name, tensor in named.items() if name.endswith("weight")]
        biases = [tensor for name, tensor in named.items() if name.endswith("bias")]
        return kind(
            [{"params": biases, "weight_decay": 0.0}, {"params": weights, "lr": 0.03}], **options
        )

    return optimizer


PROBLEMS = {
    "adamw": Problem("adamw", lambda m: AdamW(m.parameters(), lr=0.05, weight_decay=0.5)),
    "amsgrad in groups": Problem("amsgrad", groups(Adam, lr=0.01, weight_decay=0.1, amsgrad=True)),
    "nadam": Problem("nadam", lambda m: NAdam(m.parameters(), lr=0.05, weight_decay=0.1)),
    "momentum, schedule, clipping": Problem(
        "momentum",
        groups(SGD, lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.1),
        scheduler=lambda optimizer: ExponentialLR(optimizer, 0.93),
        max_norm=0.3,
    ),
    "plain, sum, penalty": Problem(
        "plain",
        lambda m: SGD(m.parameters(), lr=0.01, nesterov=False),
        reduction="sum",
        penalty=penalty,
    ),
    "nesterov, cycled momentum": Problem(
        "nesterov",
        lambda m: SGD(m.parameters(), lr=0.02, momentum=0.8, nesterov=True),
        scheduler=lambda optimizer: OneCycleLR(optimizer, 0.1, total_steps=20),
    ),
}


def read(problem, store, model, **changes):
    """The opened history, with what replays it."""
    data = TrainingData(problem.train_data(), torch.float64, "cpu", problem.augment)
    given = {"model": model, "loss_fn": problem.loss_fn, "fetch": data.batch}
    setup = TrainingSetup(**given | {"penalty": problem.penalty} | changes)
    return History(store, torch.float64).with_setup(setup)


def both(problem, folder, every, **options):
    """The same training recorded twice: the full and the checkpointed store."""
    stores = folder / "full.zarr", folder / "checkpointed.zarr"
    model = record(problem, stores[0], **options)
    record(problem, stores[1], every=every, **options)
    return stores, model
