"""Optimizers as linear maps of the gradients: one function per optimizer.

Every supported optimizer has the form (mathematics, section 3)

    m_{s+1}  = mu_s m_s + nu_s g_s
    Delta_s  = - P_s (alpha_s m_{s+1} + gamma_s g_s) - dec_s theta_s
    g_s      = kappa_s (sum_i w_{s,i} grad l_i(theta_s) + grad penalty(theta_s)) + l2_s theta_s

with the diagonal `P_s = 1 / (sqrt(v / second_bias) + eps)` where the optimizer keeps a second
moment `v`, and `P_s = 1` elsewhere. RMSprop divides the gradient before it enters `m`:

    m_{s+1}  = mu_s m_s + nu_s P_s g_s
    Delta_s  = - (alpha_s m_{s+1} + gamma_s P_s g_s)

Every tensor has scalars of its own, because torch skips one without a gradient: its momentum, its
decay and its count of steps.

Scalars are recorded as torch applies them: rounded to the type of the parameters. The decay factor
`1 - lr wd` of AdamW, say, is off by 3e-8 in float32, which is 1e-5 of the decay, and sums up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from explaind.errors import UnsupportedError

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
"""Order of the recorded scalars; one row per step and tensor."""

Rounding = Callable[[float], float]
"""Rounds a scalar as an operation on the parameters does."""

Group = Mapping[str, Any]
"""A parameter group, as the optimizer holds it."""

State = Mapping[str, Any]
"""What the optimizer keeps for a tensor."""


class Past(NamedTuple):
    """What the scalars of a step depend on besides the options of the group.

    Attributes:
        steps: steps that the tensor has taken.
        buffered: whether a momentum buffer exists (SGD).
        mu_product: product of the momentum factors so far (NAdam), of the type it is kept in.
    """

    steps: int
    buffered: bool = False
    mu_product: np.floating[Any] = np.float64(1.0)


def sgd_coefficients(group: Group, past: Past, rounded: Rounding) -> dict[str, float]:
    """Return the scalars of `torch.optim.SGD`.

    The buffer begins as the undamped gradient, at the first step with a momentum; a step without
    one leaves it as it is.

    Args:
        group: the parameter group, before the step.
        past: what is known of the steps before.
        rounded: rounds a scalar as an operation on the parameters does.

    Returns:
        The coefficients by name, those not named being 0.
    """
    rate, momentum = float(group["lr"]), float(group["momentum"])
    scalars = {"l2": rounded(float(group["weight_decay"]))}
    if momentum == 0 and past.buffered:
        return scalars | {"mu": 1.0, "gamma": rounded(rate)}
    nesterov = bool(group["nesterov"])
    return scalars | {
        "mu": rounded(momentum) if past.buffered else 0.0,
        "nu": rounded(1.0 - float(group["dampening"])) if past.buffered else 1.0,
        "alpha": rounded(rate) * rounded(momentum) if nesterov else rounded(rate),
        "gamma": rounded(rate) if nesterov else 0.0,
    }


def adam_coefficients(group: Group, past: Past, rounded: Rounding) -> dict[str, float]:
    """Return the scalars of `torch.optim.Adam`; see `sgd_coefficients`."""
    rate, beta2 = float(group["lr"]), float(group["betas"][1])
    return _averaged(group, rounded) | {
        "alpha": rounded(rate / _first_bias(group, past)),
        "second_bias": 1.0 - beta2 ** (past.steps + 1),
        "eps": float(group["eps"]),
    }


def adamw_coefficients(group: Group, past: Past, rounded: Rounding) -> dict[str, float]:
    """Return the scalars of `torch.optim.AdamW`; see `sgd_coefficients`."""
    return adam_coefficients({**group, "decoupled_weight_decay": True}, past, rounded)


def adamax_coefficients(group: Group, past: Past, rounded: Rounding) -> dict[str, float]:
    """Return the scalars of `torch.optim.Adamax`, whose steps are divided by the infinity norm."""
    alpha = rounded(float(group["lr"]) / _first_bias(group, past))
    return _averaged(group, rounded) | {"alpha": alpha}


def nadam_coefficients(group: Group, past: Past, rounded: Rounding) -> dict[str, float]:
    """Return the scalars of `torch.optim.NAdam`: momentum and gradient have their own factors."""
    rate, (beta1, beta2) = float(group["lr"]), (float(beta) for beta in group["betas"])
    step, decay = past.steps + 1, float(group["momentum_decay"])
    mu, following = (beta1 * (1.0 - 0.5 * 0.96 ** (s * decay)) for s in (step, step + 1))
    product = float(past.mu_product * type(past.mu_product)(mu))  # as torch does
    return _averaged(group, rounded) | {
        "alpha": rounded(rate * following / (1.0 - product * following)),
        "gamma": rounded(rate * (1.0 - mu) / (1.0 - product)),
        "second_bias": 1.0 - beta2**step,
        "eps": float(group["eps"]),
    }


def radam_coefficients(group: Group, past: Past, rounded: Rounding) -> dict[str, float]:
    """Return the scalars of `torch.optim.RAdam`; its first steps are not divided."""
    rate, beta2, step = float(group["lr"]), float(group["betas"][1]), past.steps + 1
    alpha, second_bias = rate / _first_bias(group, past), 1.0 - beta2**step
    longest = 2.0 / (1.0 - beta2) - 1.0
    length = longest - 2.0 * step * beta2**step / second_bias
    scalars = _averaged(group, rounded)
    if length <= 5.0:
        return scalars | {"alpha": rounded(alpha), "second_bias": np.inf, "eps": 1.0}  # P = 1
    ratio = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    return scalars | {"alpha": alpha * (second_bias * ratio) ** 0.5, "eps": float(group["eps"])}


def rmsprop_coefficients(group: Group, past: Past, rounded: Rounding) -> dict[str, float]:
    """Return the scalars of `torch.optim.RMSprop`: a sum of divided gradients.

    A step without momentum is along the divided gradient itself and leaves the buffer as it is.
    """
    rate, momentum = rounded(float(group["lr"])), float(group["momentum"])
    scalars = {"l2": rounded(float(group["weight_decay"])), "eps": float(group["eps"])}
    if momentum == 0:
        return scalars | {"mu": 1.0 if past.buffered else 0.0, "gamma": rate}
    return scalars | {"mu": rounded(momentum), "nu": 1.0, "alpha": rate}


def adagrad_coefficients(group: Group, past: Past, rounded: Rounding) -> dict[str, float]:
    """Return the scalars of `torch.optim.Adagrad`."""
    rate = float(group["lr"]) / (1.0 + past.steps * float(group["lr_decay"]))
    return _plain(group, rounded, rate) | {"eps": float(group["eps"])}


def adadelta_coefficients(group: Group, _past: Past, rounded: Rounding) -> dict[str, float]:
    """Return the scalars of `torch.optim.Adadelta`."""
    return _plain(group, rounded, float(group["lr"]))


def _plain(group: Group, rounded: Rounding, rate: float) -> dict[str, float]:
    """Scalars of a step along the gradient itself."""
    return {"nu": 1.0, "alpha": rounded(rate), "l2": rounded(float(group["weight_decay"]))}


def _averaged(group: Group, rounded: Rounding) -> dict[str, float]:
    """Scalars of an averaged gradient and of the decay, of the Adam family."""
    beta1, decay = float(group["betas"][0]), float(group["weight_decay"])
    decoupled = bool(group.get("decoupled_weight_decay", False))
    shrunk = 1.0 - rounded(1.0 - float(group["lr"]) * decay)
    return {
        "mu": 1.0 - rounded(1.0 - beta1),  # torch interpolates: m + (1 - beta1) (g - m)
        "nu": rounded(1.0 - beta1),
        "l2": 0.0 if decoupled else rounded(decay),
        "decoupled": shrunk if decoupled else 0.0,
    }


def _first_bias(group: Group, past: Past) -> float:
    return float(1.0 - float(group["betas"][0]) ** (past.steps + 1))


def _adam_moment(group: Group, state: State, _earlier: State) -> Tensor:
    tensor: Tensor = state["max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"]
    return tensor


def _nesterov_adam_moment(_group: Group, state: State, _earlier: State) -> Tensor:
    tensor: Tensor = state["exp_avg_sq"]
    return tensor


def _adamax_moment(_group: Group, state: State, _earlier: State) -> Tensor:
    tensor: Tensor = state["exp_inf"].square()
    return tensor


def _rmsprop_moment(group: Group, state: State, _earlier: State) -> Tensor:
    tensor: Tensor = state["square_avg"]
    return tensor - state["grad_avg"].square() if group["centered"] else tensor


def _adagrad_moment(_group: Group, state: State, _earlier: State) -> Tensor:
    tensor: Tensor = state["sum"]
    return tensor


def _adadelta_moment(group: Group, state: State, earlier: State) -> Tensor:
    """Return the square of what the gradient is divided by."""
    eps = float(group["eps"])
    before = earlier.get("acc_delta", torch.zeros_like(state["square_avg"]))
    tensor: Tensor = (state["square_avg"] + eps) / (before + eps)
    return tensor


@dataclass(frozen=True)
class Rule:
    """An optimizer as a linear map.

    Attributes:
        coefficients: its scalars.
        moment: `(group, state after, state before) -> v`; None where `P = 1`.
        momentum: name of the tensor `m`; None where steps do not depend on earlier gradients.
        earlier: name of the tensor whose value before the step `moment` needs.
        divides_gradient: whether `P` multiplies the gradient, before it enters `m`.
    """

    coefficients: Callable[[Group, Past, Rounding], dict[str, float]]
    moment: Callable[[Group, State, State], Tensor] | None = None
    momentum: str | None = None
    earlier: str | None = None
    divides_gradient: bool = False


RULES: dict[type, Rule] = {
    torch.optim.SGD: Rule(sgd_coefficients, momentum="momentum_buffer"),
    torch.optim.Adam: Rule(adam_coefficients, _adam_moment, "exp_avg"),
    torch.optim.AdamW: Rule(adamw_coefficients, _adam_moment, "exp_avg"),
    torch.optim.NAdam: Rule(nadam_coefficients, _nesterov_adam_moment, "exp_avg"),
    torch.optim.RAdam: Rule(radam_coefficients, _nesterov_adam_moment, "exp_avg"),
    torch.optim.Adamax: Rule(adamax_coefficients, _adamax_moment, "exp_avg"),
    torch.optim.RMSprop: Rule(
        rmsprop_coefficients, _rmsprop_moment, "momentum_buffer", divides_gradient=True
    ),
    torch.optim.Adagrad: Rule(adagrad_coefficients, _adagrad_moment),
    torch.optim.Adadelta: Rule(adadelta_coefficients, _adadelta_moment, earlier="acc_delta"),
}

SUPPORTED = (
    "SGD (momentum, dampening, Nesterov), Adam, AdamW (each with or without AMSGrad), NAdam, RAdam,"
    " Adamax, RMSprop (with or without momentum), Adagrad, Adadelta"
)

REASONS = {
    "LBFGS": "its direction is a function of all gradients before, and a step takes several",
    "Rprop": "its steps are signs of the gradient",
    "Adafactor": "its step is clipped by the norm of the whole tensor",
    "Muon": "its step is a matrix that is made orthogonal",
    "SparseAdam": "it skips rows of a tensor",
    "ASGD": "no rule was written for it",
}
"""Optimizers of torch that are not linear in the gradients given recorded scalars, and why."""


def check_optimizer(optimizer: torch.optim.Optimizer) -> None:
    """Refuse an optimizer that is not in the table, or one used in a way that is not.

    Args:
        optimizer: the optimizer to record.

    Raises:
        UnsupportedError: naming what is supported.
    """
    kind = type(optimizer)
    if kind not in RULES:
        reason = REASONS.get(kind.__name__)
        raise UnsupportedError(
            f"Cannot record {kind.__module__}.{kind.__qualname__}{f': {reason}' if reason else ''}."
            f" Expected one of torch.optim: {SUPPORTED}. Train with one of these."
        )
    for number, group in enumerate(optimizer.param_groups):
        if group.get("maximize", False):
            raise UnsupportedError(
                f"Parameter group {number} has maximize=True; expected maximize=False."
                " Negate the loss instead."
            )
