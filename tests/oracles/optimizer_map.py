"""One step of a torch optimizer as a linear map of its gradients, read off the optimizer itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class OptimizerMap:
    """One step as a linear map, one number per scalar parameter (mathematics.md section 3).

    ``m' = mu m + nu g`` and ``change = -preconditioner (alpha m' + gamma g) - decoupled_decay
    theta``, where ``g`` is the (clipped) loss gradient plus ``l2 theta``, which is not clipped.
    """

    mu: Float[Tensor, " param"]
    nu: Float[Tensor, " param"]
    alpha: Float[Tensor, " param"]
    gamma: Float[Tensor, " param"]
    preconditioner: Float[Tensor, " param"]
    l2: Float[Tensor, " param"]
    decoupled_decay: Float[Tensor, " param"]


def optimizer_map(
    model: nn.Module, optimizer: torch.optim.Optimizer, began: Sequence[bool]
) -> OptimizerMap:
    """The coefficients of the step just taken, for all trained tensors, joined to flat vectors."""
    rows = []
    for first, (parameter, group, _) in zip(began, with_groups(model, optimizer), strict=True):
        if isinstance(optimizer, torch.optim.Adam):
            decoupled = isinstance(optimizer, torch.optim.AdamW)
            rule = _adam_rule(group, optimizer.state[parameter], decoupled)
        elif isinstance(optimizer, torch.optim.SGD):
            rule = _sgd_rule(group, first)
        else:
            raise TypeError(f"the oracle knows SGD, Adam and AdamW, got {type(optimizer).__name__}")
        ones = torch.ones_like(parameter, requires_grad=False)
        rows.append({key: (value * ones).flatten() for key, value in rule.items()})
    return OptimizerMap(**{key: torch.cat([row[key] for row in rows]) for key in rows[0]})


def _sgd_rule(group: dict[str, Any], first: bool) -> dict[str, Any]:
    lr, momentum = group["lr"], group["momentum"]
    undamped = first or momentum == 0
    return {
        "mu": momentum,
        "nu": 1.0 if undamped else 1.0 - group["dampening"],
        "alpha": lr * momentum if group["nesterov"] else lr,
        "gamma": lr if group["nesterov"] else 0.0,
        "preconditioner": 1.0,
        "l2": group["weight_decay"],
        "decoupled_decay": 0.0,
    }


def _adam_rule(group: dict[str, Any], state: dict[str, Any], decoupled: bool) -> dict[str, Any]:
    (beta1, beta2), count, lr = group["betas"], float(state["step"]), group["lr"]
    second = state["max_exp_avg_sq"] if group["amsgrad"] else state["exp_avg_sq"]
    root = (second / (1.0 - beta2**count)).sqrt()
    return {
        "mu": beta1,
        "nu": 1.0 - beta1,
        "alpha": lr / (1.0 - beta1**count),
        "gamma": 0.0,
        "preconditioner": 1.0 / (root + group["eps"]),
        "l2": 0.0 if decoupled else group["weight_decay"],
        "decoupled_decay": lr * group["weight_decay"] if decoupled else 0.0,
    }


def with_groups(
    model: nn.Module, optimizer: torch.optim.Optimizer
) -> Iterator[tuple[nn.Parameter, dict[str, Any], str]]:
    """Trained parameters in the order of the model, each with its parameter group and name."""
    for name, parameter in model.named_parameters():
        for group in optimizer.param_groups:
            if parameter.requires_grad and any(parameter is member for member in group["params"]):
                yield parameter, group, name
