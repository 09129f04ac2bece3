"""What an optimizer is rebuilt from for the replay: its options, flags and tensors.

Numeric options (learning rate, momentum, ...) may change at every step and are recorded with each.
Flags (on, off, or left to torch) must stay. The tensors it keeps are stored with every snapshot, as
flat vectors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.errors import RecordingError, UnsupportedError
from explaind.history.layout import ParameterLayout

PRODUCT = "mu_product"
"""What NAdam keeps of each parameter besides: one number, stored in the place of all of them."""

_ADAM = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

KEPT: dict[type[torch.optim.Optimizer], tuple[str, ...]] = {
    torch.optim.SGD: ("momentum_buffer",),
    torch.optim.Adam: _ADAM,
    torch.optim.AdamW: _ADAM,
    torch.optim.NAdam: ("exp_avg", "exp_avg_sq", PRODUCT),
    torch.optim.RAdam: ("exp_avg", "exp_avg_sq"),
    torch.optim.Adamax: ("exp_avg", "exp_inf"),
    torch.optim.RMSprop: ("square_avg", "grad_avg", "momentum_buffer"),
    torch.optim.Adagrad: ("sum",),
    torch.optim.Adadelta: ("square_avg", "acc_delta"),
}
"""Tensors, shaped like the parameter, that each optimizer keeps."""

ONLY_WITH = {"momentum_buffer": "momentum", "max_exp_avg_sq": "amsgrad", "grad_avg": "centered"}
"""Of some tensors the option without which they are not kept."""

OPTIMIZERS = {kind.__name__: kind for kind in KEPT}

Flags = dict[str, bool | None]
"""Options of a parameter group that are on, off, or left to torch."""

Parameters = Mapping[str, nn.Parameter]
"""The trained tensors by name."""


def option_names(optimizer: torch.optim.Optimizer) -> tuple[str, ...]:
    """Name the numeric options, `betas[0]` and `betas[1]` for a pair.

    Args:
        optimizer: a supported optimizer.

    Returns:
        The names.

    Raises:
        UnsupportedError: for an optimizer that cannot be replayed, or an option that is a tensor,
            whose value could change unseen.
    """
    if type(optimizer).__name__ not in OPTIMIZERS:
        raise UnsupportedError(
            f"A checkpointed history cannot replay {type(optimizer).__name__}; expected one of"
            f" {', '.join(OPTIMIZERS)}. Record a full history (every=1)."
        )
    options = _flat(optimizer.param_groups[0], optimizer)
    for name, value in options.items():
        if isinstance(value, Tensor):
            raise UnsupportedError(
                f"The optimizer's {name} is a tensor; expected a number for a checkpointed history."
                " Give a number, or record a full history (every=1)."
            )
    return tuple(name for name, value in options.items() if _is_number(value))


def option_values(
    optimizer: torch.optim.Optimizer, names: Sequence[str]
) -> Float[np.ndarray, "group option"]:
    """Return the numeric options as they are now, exact in float64."""
    groups = [_flat(group, optimizer) for group in optimizer.param_groups]
    return np.array([[float(group[name]) for name in names] for group in groups])


def set_options(
    optimizer: torch.optim.Optimizer,
    names: Sequence[str],
    values: Float[np.ndarray, "group option"],
) -> None:
    """Set the numeric options to what `option_values` returned."""
    for group, row in zip(optimizer.param_groups, values.tolist(), strict=True):
        flat = dict(zip(names, row, strict=True))
        for name in optimizer.defaults:
            if isinstance(group[name], (tuple, list)):
                group[name] = tuple(flat[f"{name}[{i}]"] for i in range(len(group[name])))
            elif name in flat:
                group[name] = flat[name]


def flags(optimizer: torch.optim.Optimizer) -> list[Flags]:
    """Return the options of each group that are no numbers."""
    groups = [_flat(group, optimizer) for group in optimizer.param_groups]
    return [{n: value for n, value in group.items() if not _is_number(value)} for group in groups]


def check_flags(optimizer: torch.optim.Optimizer, expected: list[Flags], step: int) -> None:
    """Refuse a flag that changed while recording.

    Args:
        optimizer: the optimizer.
        expected: the flags when the recording began.
        step: the step, for the message.

    Raises:
        RecordingError: naming the step.
    """
    if (now := flags(optimizer)) != expected:
        raise RecordingError(
            f"Options of the optimizer changed before step {step}: expected {expected}, got"
            f" {now}. Keep them, or record a full history (every=1)."
        )


def rebuild(
    kind: str, flags_of_groups: list[Flags], members: list[list[nn.Parameter]]
) -> torch.optim.Optimizer:
    """Build an optimizer of the recorded kind without a past; its numeric options are the defaults.

    Args:
        kind: name of the class in torch.optim.
        flags_of_groups: what `flags` returned.
        members: the parameters of each group.

    Returns:
        The optimizer.
    """
    groups = [{"params": own, **row} for own, row in zip(members, flags_of_groups, strict=True)]
    return OPTIMIZERS[kind](groups)  # type: ignore[call-arg]


def state_names(optimizer: torch.optim.Optimizer) -> tuple[str, ...]:
    """Return the names of the tensors, shaped like the parameter, that the optimizer keeps."""
    groups = optimizer.param_groups
    return tuple(
        name
        for name in KEPT[type(optimizer)]
        if name not in ONLY_WITH or any(group[ONLY_WITH[name]] for group in groups)
    )


def state_vectors(
    optimizer: torch.optim.Optimizer,
    names: tuple[str, ...],
    parameters: Parameters,
    layout: ParameterLayout,
) -> dict[str, Float[Tensor, " param"]]:
    """Read the optimizer's tensors as flat vectors.

    Args:
        optimizer: the optimizer.
        names: what `state_names` gave when the recording began.
        parameters: the trained tensors.
        layout: how they lie in the flat vector.

    Returns:
        A vector by name, NaN where the optimizer keeps nothing (yet).

    Raises:
        RecordingError: if the optimizer keeps a tensor of another name.
    """
    states = {slot.name: optimizer.state.get(parameters[slot.name], {}) for slot in layout.slots}
    kept = {name for state in states.values() for name, value in state.items() if value is not None}
    unknown = sorted(kept - {*names, "step"})
    if unknown:
        raise RecordingError(
            f"The optimizer began to keep {unknown} while it was recorded; expected only"
            f" {list(names)}. Give it momentum from the start, or record with every=1."
        )
    absent = torch.tensor(torch.nan)
    return {
        name: layout.flatten(
            {
                n: state.get(name, absent).to(parameters[n].device).expand_as(parameters[n])
                for n, state in states.items()
            }
        )
        for name in names
    }


def product_dtype(optimizer: torch.optim.Optimizer) -> torch.dtype:
    """Return the type in which NAdam keeps its product; torch makes it of the default type."""
    kept = (state[PRODUCT].dtype for state in optimizer.state.values() if PRODUCT in state)
    return next(kept, torch.get_default_dtype())


def load_state_vectors(
    optimizer: torch.optim.Optimizer,
    vectors: Mapping[str, Float[Tensor, " param"]],
    steps: Sequence[int],
    parameters: Parameters,
    layout: ParameterLayout,
    product: torch.dtype,
) -> None:
    """Give an optimizer the state of a snapshot.

    Args:
        optimizer: the optimizer; its options stay.
        vectors: what `state_vectors` returned.
        steps: steps that each trained tensor has taken before.
        parameters: the trained tensors.
        layout: how they lie in the flat vector.
        product: type of `PRODUCT`.
    """
    members = [member for group in optimizer.param_groups for member in group["params"]]
    place = {id(parameter): number for number, parameter in enumerate(members)}
    views = {name: layout.unflatten(vector) for name, vector in vectors.items()}
    states: dict[int, dict[str, Tensor]] = {}
    for slot, taken in zip(layout.slots, steps, strict=True):
        # cloned, because the alignment of a view may change how sums are rounded
        cloned = {name: view[slot.name].clone() for name, view in views.items()}
        kept = {name: tensor for name, tensor in cloned.items() if not tensor.isnan().any()}
        if PRODUCT in kept:
            kept[PRODUCT] = kept[PRODUCT].flatten()[0].clone()
        if kept and not isinstance(optimizer, torch.optim.SGD):
            kept["step"] = torch.tensor(float(taken))
        if kept:
            states[place[id(parameters[slot.name])]] = kept
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": states, "param_groups": groups})
    for state in optimizer.state.values():
        if PRODUCT in state:  # torch gave it the type of the parameter
            state[PRODUCT] = state[PRODUCT].to(product)


def _flat(group: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return the optimizer's own options of a group (a schedule adds others), pairs apart."""
    options: dict[str, Any] = {}
    for name in sorted(optimizer.defaults):
        value = group[name]
        if isinstance(value, (tuple, list)):
            options |= {f"{name}[{i}]": member for i, member in enumerate(value)}
        else:
            options[name] = value
    return options


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
