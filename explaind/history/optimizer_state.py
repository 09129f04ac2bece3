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

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    kind.__name__: kind for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
}

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
    if isinstance(optimizer, torch.optim.SGD):
        momentum = any(group["momentum"] != 0 for group in optimizer.param_groups)
        return ("momentum_buffer",) if momentum else ()
    amsgrad = any(group["amsgrad"] for group in optimizer.param_groups)
    return ("exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if amsgrad else ()))


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
    absent = {name: torch.full_like(parameters[name], torch.nan) for name in states}
    return {
        name: layout.flatten({n: state.get(name, absent[n]) for n, state in states.items()})
        for name in names
    }


def load_state_vectors(
    optimizer: torch.optim.Optimizer,
    vectors: Mapping[str, Float[Tensor, " param"]],
    steps: Sequence[int],
    parameters: Parameters,
    layout: ParameterLayout,
) -> None:
    """Give an optimizer the state of a snapshot.

    Args:
        optimizer: the optimizer; its options stay.
        vectors: what `state_vectors` returned.
        steps: steps that each trained tensor has taken before.
        parameters: the trained tensors.
        layout: how they lie in the flat vector.
    """
    members = [member for group in optimizer.param_groups for member in group["params"]]
    place = {id(parameter): number for number, parameter in enumerate(members)}
    views = {name: layout.unflatten(vector) for name, vector in vectors.items()}
    states: dict[int, dict[str, Tensor]] = {}
    for slot, taken in zip(layout.slots, steps, strict=True):
        # cloned, because the alignment of a view may change how sums are rounded
        cloned = {name: view[slot.name].clone() for name, view in views.items()}
        kept = {name: tensor for name, tensor in cloned.items() if not tensor.isnan().any()}
        if kept and not isinstance(optimizer, torch.optim.SGD):
            kept["step"] = torch.tensor(float(taken))
        if kept:
            states[place[id(parameters[slot.name])]] = kept
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": states, "param_groups": groups})


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


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
