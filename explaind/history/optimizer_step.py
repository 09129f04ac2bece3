"""Reading a step of an optimizer: its scalars, what it divided by, the momentum it began with."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.history.layout import ParameterLayout
from explaind.history.optimizers import COEFFICIENTS, RULES, Group, Past, Rounding, State

Parameters = Mapping[str, torch.nn.Parameter]
"""The trained tensors by name."""


def has_second_moment(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether the optimizer scales its steps by a second moment (Adam-like)."""
    return RULES[type(optimizer)].moment is not None


def tensor_coefficients(
    optimizer: torch.optim.Optimizer,
    parameters: Parameters,
    layout: ParameterLayout,
    taken: Mapping[str, int],
) -> Float[np.ndarray, "tensor scalar"]:
    """Scalars of every tensor at this step.

    Args:
        optimizer: a supported optimizer, before the step.
        parameters: the trained tensors by name.
        layout: their order.
        taken: number of steps each has taken before.

    Returns:
        One row per tensor, ordered as `COEFFICIENTS`.
    """
    rule, known = RULES[type(optimizer)].coefficients, dict[Any, list[float]]()
    rows = []
    for slot in layout.slots:
        parameter, group = parameters[slot.name], optimizer.param_groups[slot.group]
        state = optimizer.state.get(parameter, {})
        past = Past(
            taken[slot.name],
            state.get("momentum_buffer") is not None,
            # a single number in the default type, of the parameters' type after load_state_dict
            state.get("mu_product", torch.ones(())).cpu().numpy()[()],
        )
        key = (slot.group, past, parameter.dtype, parameter.grad is None)
        if key not in known:
            used = _skipped if parameter.grad is None else rule
            scalars = dict.fromkeys(COEFFICIENTS, 0.0) | {
                "learning_rate": float(group["lr"]),
                "weight_decay": float(group["weight_decay"]),
                "second_bias": 1.0,
            }
            known[key] = list((scalars | used(group, past, _rounding(parameter.dtype))).values())
        rows.append(known[key])
    return np.array(rows)


def _skipped(_group: Group, _past: Past, _rounded: Rounding) -> dict[str, float]:
    """Scalars of a tensor without a gradient: nothing happens, its momentum waits."""
    return {"mu": 1.0, "eps": 1.0}


def _rounding(dtype: torch.dtype) -> Rounding:
    """Return the rounding of scalars in operations on parameters of a type."""
    return float if dtype == torch.float64 else lambda value: float(np.float32(value))


def earlier_states(
    optimizer: torch.optim.Optimizer, parameters: Parameters
) -> dict[str, dict[str, Tensor]]:
    """Return copies of what `second_moment` must know of the state before the step, by tensor."""
    name = RULES[type(optimizer)].earlier
    if name is None:
        return {}
    states = {key: optimizer.state.get(parameter, {}) for key, parameter in parameters.items()}
    return {key: {name: state[name].clone()} for key, state in states.items() if name in state}


def second_moment(
    optimizer: torch.optim.Optimizer,
    parameters: Parameters,
    layout: ParameterLayout,
    earlier: Mapping[str, State] | None = None,
) -> Float[Tensor, " param"]:
    """The second moment that the step just taken divided by.

    Args:
        optimizer: an Adam-like optimizer, after the step.
        parameters: the trained tensors by name.
        layout: how they lie in the flat vector.
        earlier: what `earlier_states` returned before the step.

    Returns:
        The vector; 0 for a tensor that has taken no step yet.
    """
    rule = RULES[type(optimizer)].moment
    assert rule is not None  # asked only of an optimizer with a second moment
    moments = {}
    for slot in layout.slots:
        parameter, group = parameters[slot.name], optimizer.param_groups[slot.group]
        state = optimizer.state.get(parameter)
        before = (earlier or {}).get(slot.name, {})
        moments[slot.name] = rule(group, state, before) if state else torch.zeros_like(parameter)
    return layout.flatten(moments)


def divides_gradient(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether the optimizer divides gradients before they enter its momentum (RMSprop)."""
    return RULES[type(optimizer)].divides_gradient


def first_moment(
    optimizer: torch.optim.Optimizer, parameters: Parameters, layout: ParameterLayout
) -> Float[Tensor, " param"] | None:
    """The momentum that the coming step begins with, `m_s`.

    Args:
        optimizer: a supported optimizer, before the step.
        parameters: the trained tensors by name.
        layout: how they lie in the flat vector.

    Returns:
        The vector, 0 for a tensor without one; None if no tensor has one yet.
    """
    name = RULES[type(optimizer)].momentum
    kept = {}
    for slot in layout.slots:
        parameter = parameters[slot.name]
        moment = optimizer.state.get(parameter, {}).get(name)
        kept[slot.name] = torch.zeros_like(parameter) if moment is None else moment
    vector = layout.flatten(kept)
    return vector if vector.any() else None
