"""Optimizers as linear maps of the gradients: one function per optimizer.

Every supported optimizer has the form (mathematics, section 3)

    m_{s+1}  = mu_s m_s + nu_s g_s
    Delta_s  = - P_s (alpha_s m_{s+1} + gamma_s g_s) - dec_s theta_s
    g_s      = kappa_s (sum_i w_{s,i} grad l_i(theta_s) + grad penalty(theta_s)) + l2_s theta_s

with the diagonal `P_s = 1 / (sqrt(v / second_bias) + eps)` where the optimizer keeps a second
moment `v`, and `P_s = 1` elsewhere.

Scalars are recorded as torch applies them: rounded to the type of the parameters. The decay factor
`1 - lr wd` of AdamW, say, is off by 3e-8 in float32, which is 1e-5 of the decay, and sums up.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from explaind.errors import UnsupportedError
from explaind.history.layout import ParameterLayout, TensorSlot

COEFFICIENTS = (
    "learning_rate",
    "weight_decay",
    "mu",
    "nu",
    "alpha",
    "gamma",
    "l2",
    "decoupled",
    "second_bias",
    "eps",
)
"""Order of the recorded scalars; one row per step and parameter group."""

SUPPORTED = "SGD (momentum, dampening, Nesterov), Adam, AdamW (each with or without AMSGrad)"

Rounding = Callable[[float], float]


def sgd_coefficients(group: Mapping[str, Any], step: int, rounded: Rounding) -> dict[str, float]:
    """Scalars of `torch.optim.SGD` for one parameter group.

    Args:
        group: the parameter group, as the optimizer holds it before the step.
        step: number of steps taken before, counted from 0.
        rounded: rounds a scalar as an operation on the parameters does.

    Returns:
        The coefficients by name. At the first step torch starts the buffer with the undamped
        gradient.
    """
    rate, decay = float(group["lr"]), float(group["weight_decay"])
    momentum, dampening = float(group["momentum"]), float(group["dampening"])
    nu = 1.0 if step == 0 or momentum == 0 else 1.0 - dampening
    nesterov = bool(group["nesterov"])
    return {
        "learning_rate": rate,
        "weight_decay": decay,
        "mu": rounded(momentum),
        "nu": rounded(nu),
        "alpha": rounded(rate) * rounded(momentum) if nesterov else rounded(rate),
        "gamma": rounded(rate) if nesterov else 0.0,
        "l2": rounded(decay),
        "decoupled": 0.0,
        "second_bias": 1.0,
        "eps": 0.0,
    }


def adam_coefficients(group: Mapping[str, Any], step: int, rounded: Rounding) -> dict[str, float]:
    """Scalars of `torch.optim.Adam` and `torch.optim.AdamW` for one parameter group.

    Args:
        group: the parameter group, as the optimizer holds it before the step.
        step: number of steps taken before, counted from 0.
        rounded: rounds a scalar as an operation on the parameters does.

    Returns:
        The coefficients by name.
    """
    rate, decay = float(group["lr"]), float(group["weight_decay"])
    beta1, beta2 = (float(beta) for beta in group["betas"])
    decoupled = bool(group.get("decoupled_weight_decay", False))
    return {
        "learning_rate": rate,
        "weight_decay": decay,
        "mu": 1.0 - rounded(1.0 - beta1),  # torch interpolates: m + (1 - beta1) (g - m)
        "nu": rounded(1.0 - beta1),
        "alpha": rounded(rate / (1.0 - beta1 ** (step + 1))),
        "gamma": 0.0,
        "l2": 0.0 if decoupled else rounded(decay),
        "decoupled": 1.0 - rounded(1.0 - rate * decay) if decoupled else 0.0,
        "second_bias": 1.0 - beta2 ** (step + 1),
        "eps": float(group["eps"]),
    }


def _adamw_coefficients(group: Mapping[str, Any], step: int, rounded: Rounding) -> dict[str, float]:
    return adam_coefficients({**group, "decoupled_weight_decay": True}, step, rounded)


_RULES: dict[type, Callable[[Mapping[str, Any], int, Rounding], dict[str, float]]] = {
    torch.optim.SGD: sgd_coefficients,
    torch.optim.Adam: adam_coefficients,
    torch.optim.AdamW: _adamw_coefficients,
}


def check_optimizer(optimizer: torch.optim.Optimizer) -> None:
    """Refuse an optimizer that is not in the table, or one used in a way that is not.

    Args:
        optimizer: the optimizer to record.

    Raises:
        UnsupportedError: naming what is supported.
    """
    if type(optimizer) not in _RULES:
        raise UnsupportedError(
            f"Cannot record {type(optimizer).__module__}.{type(optimizer).__qualname__}."
            f" Expected one of torch.optim: {SUPPORTED}. Train with one of these."
        )
    for number, group in enumerate(optimizer.param_groups):
        if group.get("maximize", False):
            raise UnsupportedError(
                f"Parameter group {number} has maximize=True; expected maximize=False."
                " Negate the loss instead."
            )


def has_second_moment(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether the optimizer scales its steps by a second moment (Adam-like)."""
    return isinstance(optimizer, torch.optim.Adam | torch.optim.AdamW)


def group_coefficients(optimizer: torch.optim.Optimizer, step: int) -> list[list[float]]:
    """Scalars of every parameter group at this step.

    Args:
        optimizer: a supported optimizer, before the step.
        step: number of steps taken before.

    Returns:
        One list per parameter group, ordered as `COEFFICIENTS`.
    """
    rule = _RULES[type(optimizer)]
    rows = [rule(group, step, _rounding(group)) for group in optimizer.param_groups]
    return [[row[name] for name in COEFFICIENTS] for row in rows]


def _rounding(group: Mapping[str, Any]) -> Rounding:
    """Return the rounding of scalars in operations on the parameters of a group."""
    dtype = group["params"][0].dtype if group["params"] else torch.float64
    if dtype == torch.float64:
        return float
    if dtype == torch.float32:  # numpy does it in a tenth of the time
        return lambda value: float(np.float32(value))
    return lambda value: float(torch.tensor(value, dtype=torch.float64).to(dtype))


def second_moment(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, torch.nn.Parameter],
    layout: ParameterLayout,
) -> Float[torch.Tensor, " param"]:
    """The second moment that the step just taken divided by.

    Args:
        optimizer: an Adam-like optimizer, after the step.
        parameters: the trained tensors by name.
        layout: how they lie in the flat vector.

    Returns:
        `max_exp_avg_sq` with AMSGrad, else `exp_avg_sq`.
    """

    def moment(slot: TensorSlot) -> torch.Tensor:
        amsgrad = optimizer.param_groups[slot.group].get("amsgrad", False)
        state = optimizer.state[parameters[slot.name]]
        tensor: torch.Tensor = state["max_exp_avg_sq" if amsgrad else "exp_avg_sq"]
        return tensor

    return layout.flatten({slot.name: moment(slot) for slot in layout.slots})
