"""Optimizers with their options, and those that are refused.

One list: tests try each, the generated cases combine them, and the documented table names them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn, optim

Made = Callable[[nn.Module], optim.Optimizer]
FULL_ONLY = "yes, with `every=1`"
"""What a checkpointed history cannot repeat."""


@dataclass(frozen=True)
class Kind:
    """A kind of optimizer.

    Attributes:
        make: makes one for a model.
        replayed: whether a checkpointed history can repeat its steps.
        momentum: whether it has an option for momentum.
        sparse: whether it takes sparse gradients.
        refused: what the refusal says, if it is refused.
    """

    make: Made
    replayed: bool = True
    momentum: bool = True
    sparse: bool = False
    refused: str = ""

    @property
    def way(self) -> str:
        """Which histories it can be recorded in."""
        return "yes" if self.replayed else FULL_ONLY


def of_all(kind: type[optim.Optimizer], **options: Any) -> Made:
    """An optimizer of all trained tensors."""
    return lambda model: kind([p for p in model.parameters() if p.requires_grad], **options)


def groups(kind: type[optim.Optimizer], **options: Any) -> Made:
    """An optimizer of two groups with a rate and a decay of their own."""

    def make(model: nn.Module) -> optim.Optimizer:
        trained = [p for p in model.parameters() if p.requires_grad]
        first, second = (
            {"params": trained[:1], "lr": 0.02, "weight_decay": 0.0},
            {"params": trained[1:], "lr": 0.05, "weight_decay": 0.2},
        )
        return kind([first, second], **options)

    return make


def tensor_rate(model: nn.Module) -> optim.Optimizer:
    """AdamW whose rate is a tensor."""
    return of_all(optim.AdamW, lr=torch.tensor(0.05, dtype=torch.float64), foreach=False)(model)


class SignDescent(optim.SGD):
    """An optimizer of one's own, derived from a supported one."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(0.1 * parameter.grad.sign())


OPTIMIZERS = {
    "`SGD`": Kind(of_all(optim.SGD, lr=0.2), sparse=True),
    "`SGD` with weight decay": Kind(of_all(optim.SGD, lr=0.2, weight_decay=0.1)),
    "`SGD` with momentum and dampening": Kind(
        of_all(optim.SGD, lr=0.2, momentum=0.8, dampening=0.3)
    ),
    "`SGD` with Nesterov's momentum": Kind(
        of_all(optim.SGD, lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.1)
    ),
    "`Adam` with weight decay": Kind(of_all(optim.Adam, lr=0.03, weight_decay=0.1)),
    "`Adam` with AMSGrad": Kind(of_all(optim.Adam, lr=0.03, amsgrad=True)),
    "`AdamW`": Kind(of_all(optim.AdamW, lr=0.03, weight_decay=0.5)),
    "`AdamW`, `foreach=True`": Kind(of_all(optim.AdamW, lr=0.03, foreach=True)),
    "`AdamW`, `fused=True`": Kind(of_all(optim.AdamW, lr=0.03, fused=True)),
    "`AdamW` with a tensor as learning rate": Kind(tensor_rate, replayed=False),
    "two groups with options of their own": Kind(groups(optim.AdamW, betas=(0.8, 0.9))),
    "`NAdam`": Kind(of_all(optim.NAdam, lr=0.03, weight_decay=0.1)),
    "`NAdam` with decoupled decay": Kind(
        of_all(optim.NAdam, lr=0.03, weight_decay=0.5, decoupled_weight_decay=True)
    ),
    "`RAdam`": Kind(of_all(optim.RAdam, lr=0.03, betas=(0.8, 0.9), weight_decay=0.1)),
    "`Adamax`": Kind(of_all(optim.Adamax, lr=0.03, weight_decay=0.1)),
    "`RMSprop`": Kind(of_all(optim.RMSprop, lr=0.01, weight_decay=0.1)),
    "`RMSprop`, centered": Kind(of_all(optim.RMSprop, lr=0.01, centered=True)),
    "`RMSprop` with momentum": Kind(of_all(optim.RMSprop, lr=0.01, momentum=0.9)),
    "`Adagrad`": Kind(
        of_all(optim.Adagrad, lr=0.05, lr_decay=0.1, weight_decay=0.1), momentum=False
    ),
    "`Adadelta`": Kind(of_all(optim.Adadelta, lr=0.9, eps=1e-3, weight_decay=0.1), momentum=False),
    "`maximize=True`": Kind(of_all(optim.SGD, lr=0.1, maximize=True), refused="maximize=True"),
    "`LBFGS`": Kind(of_all(optim.LBFGS), momentum=False, refused="LBFGS: its direction is"),
    "`Rprop`": Kind(of_all(optim.Rprop), momentum=False, refused="Rprop: its steps are signs"),
    "`Adafactor`": Kind(
        of_all(optim.Adafactor), momentum=False, refused="Adafactor: its step is clipped"
    ),
    "`ASGD`": Kind(of_all(optim.ASGD), momentum=False, refused="ASGD: no rule was written"),
    "one of your own": Kind(of_all(SignDescent, lr=0.1), refused="SignDescent.*Expected one of"),
}
