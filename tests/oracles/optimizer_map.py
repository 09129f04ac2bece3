"""One step of a torch optimizer as a linear map of its gradients, read off the optimizer itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

Group = Mapping[str, Any]
"""Options of a parameter group."""

State = Mapping[str, Any]
"""What an optimizer keeps for a tensor."""


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
    model: nn.Module, optimizer: torch.optim.Optimizer, earlier: Sequence[State]
) -> OptimizerMap:
    """The coefficients of the step just taken, for all trained tensors, joined to flat vectors.

    ``earlier`` are copies of what the optimizer kept for each tensor before that step.
    """
    rows = []
    for before, (parameter, group, _) in zip(earlier, with_groups(model, optimizer), strict=True):
        rule = dict(_STILL)
        if parameter.grad is not None:
            rule |= _RULES[type(optimizer)](group, optimizer.state[parameter], before)
        ones = torch.ones_like(parameter, requires_grad=False)
        rows.append({key: (value * ones).flatten() for key, value in rule.items()})
    return OptimizerMap(**{key: torch.cat([row[key] for row in rows]) for key in rows[0]})


_STILL: dict[str, Any] = {
    "mu": 1.0,
    "nu": 0.0,
    "alpha": 0.0,
    "gamma": 0.0,
    "preconditioner": 1.0,
    "l2": 0.0,
    "decoupled_decay": 0.0,
}
"""Of a tensor without a gradient: torch leaves it and its momentum alone."""


def _sgd(group: Group, _state: State, before: State) -> dict[str, Any]:
    lr, momentum = group["lr"], group["momentum"]
    undamped = before.get("momentum_buffer") is None
    return {
        "mu": momentum,
        "nu": 1.0 if undamped else 1.0 - group["dampening"],
        "alpha": lr * momentum if group["nesterov"] else lr,
        "gamma": lr if group["nesterov"] else 0.0,
        "l2": group["weight_decay"],
    }


def _averaged(group: Group, decoupled: bool) -> dict[str, Any]:
    """An exponential average of gradients, and either kind of decay."""
    beta1, decay = group["betas"][0], group["weight_decay"]
    return {
        "mu": beta1,
        "nu": 1.0 - beta1,
        "l2": 0.0 if decoupled else decay,
        "decoupled_decay": group["lr"] * decay if decoupled else 0.0,
    }


def _adam(group: Group, state: State, _before: State) -> dict[str, Any]:
    (beta1, beta2), count = group["betas"], float(state["step"])
    second = state["max_exp_avg_sq"] if group["amsgrad"] else state["exp_avg_sq"]
    root = (second / (1.0 - beta2**count)).sqrt()
    return _averaged(group, group["decoupled_weight_decay"]) | {
        "alpha": group["lr"] / (1.0 - beta1**count),
        "preconditioner": 1.0 / (root + group["eps"]),
    }


def _nadam(group: Group, state: State, _before: State) -> dict[str, Any]:
    """Section "Nadam" of torch's documentation: mu_t mixes the gradient in, mu_t+1 the average."""
    (beta1, beta2), count = group["betas"], float(state["step"])
    psi = group["momentum_decay"]
    now, after = (beta1 * (1.0 - 0.5 * 0.96 ** (t * psi)) for t in (count, count + 1))
    product = float(state["mu_product"])
    root = (state["exp_avg_sq"] / (1.0 - beta2**count)).sqrt()
    return _averaged(group, group["decoupled_weight_decay"]) | {
        "alpha": group["lr"] * after / (1.0 - product * after),
        "gamma": group["lr"] * (1.0 - now) / (1.0 - product),
        "preconditioner": 1.0 / (root + group["eps"]),
    }


def _radam(group: Group, state: State, _before: State) -> dict[str, Any]:
    """Section "RAdam" of torch's documentation, eps inside as torch has it."""
    (beta1, beta2), t = group["betas"], float(state["step"])
    longest = 2.0 / (1.0 - beta2) - 1.0
    rho = longest - 2.0 * t * beta2**t / (1.0 - beta2**t)
    rule = _averaged(group, group["decoupled_weight_decay"])
    rule["alpha"] = group["lr"] / (1.0 - beta1**t)
    if rho > 5.0:
        rectified = (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)
        root = state["exp_avg_sq"].sqrt() + group["eps"]
        rule["preconditioner"] = rectified**0.5 * (1.0 - beta2**t) ** 0.5 / root
    return rule


def _adamax(group: Group, state: State, _before: State) -> dict[str, Any]:
    rate = group["lr"] / (1.0 - group["betas"][0] ** float(state["step"]))
    return _averaged(group, False) | {"alpha": rate, "preconditioner": 1.0 / state["exp_inf"]}


def _plain(group: Group, preconditioner: Tensor | float) -> dict[str, Any]:
    """A step along the gradient itself."""
    return {
        "mu": 0.0,
        "nu": 1.0,
        "alpha": group["lr"],
        "preconditioner": preconditioner,
        "l2": group["weight_decay"],
    }


def _rmsprop(group: Group, state: State, _before: State) -> dict[str, Any]:
    second = state["square_avg"]
    if group["centered"]:
        second = second - state["grad_avg"] ** 2
    divided = 1.0 / (second.sqrt() + group["eps"])
    if group["momentum"] == 0:
        return _plain(group, divided)
    return _plain(group, 1.0) | {"mu": group["momentum"], "nu": divided}


def _adagrad(group: Group, state: State, _before: State) -> dict[str, Any]:
    slowed = 1.0 + (float(state["step"]) - 1.0) * group["lr_decay"]
    return _plain(group, 1.0 / (slowed * (state["sum"].sqrt() + group["eps"])))


def _adadelta(group: Group, state: State, before: State) -> dict[str, Any]:
    """Steps as long as the average step before this one."""
    average = before.get("acc_delta", torch.zeros_like(state["acc_delta"]))
    return _plain(group, ((average + group["eps"]) / (state["square_avg"] + group["eps"])).sqrt())


_RULES: dict[type, Callable[[Group, State, State], dict[str, Any]]] = {
    torch.optim.SGD: _sgd,
    torch.optim.Adam: _adam,
    torch.optim.AdamW: _adam,
    torch.optim.NAdam: _nadam,
    torch.optim.RAdam: _radam,
    torch.optim.Adamax: _adamax,
    torch.optim.RMSprop: _rmsprop,
    torch.optim.Adagrad: _adagrad,
    torch.optim.Adadelta: _adadelta,
}


def with_groups(
    model: nn.Module, optimizer: torch.optim.Optimizer
) -> Iterator[tuple[nn.Parameter, dict[str, Any], str]]:
    """Trained parameters in the order of the model, each with its parameter group and name."""
    for name, parameter in model.named_parameters():
        for group in optimizer.param_groups:
            if parameter.requires_grad and any(parameter is member for member in group["params"]):
                yield parameter, group, name
