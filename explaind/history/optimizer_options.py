"""The options of an optimizer, recorded so that an equal one can be built for the replay."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explaind.errors import RecordingError, UnsupportedError

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    kind.__name__: kind for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
}

Switches = dict[str, bool | None]
"""Options of a parameter group that are on, off, or left to torch."""


def option_names(optimizer: torch.optim.Optimizer) -> tuple[str, ...]:
    """Names of the numeric options, `betas[0]` and `betas[1]` for a pair.

    Raises:
        UnsupportedError: if an option is a tensor, whose value could change unseen.
    """
    for name, value in _flat(optimizer.param_groups[0], optimizer).items():
        if isinstance(value, Tensor):
            raise UnsupportedError(
                f"The optimizer's {name} is a tensor; expected a number for a thinned history."
                " Give a number, or record a full history (every=1)."
            )
    found = _flat(optimizer.param_groups[0], optimizer)
    return tuple(name for name, value in found.items() if _is_number(value))


def options(optimizer: torch.optim.Optimizer, names: Sequence[str]) -> np.ndarray:
    """Numeric options as they are now, `[group, option]`, exact in float64."""
    groups = [_flat(group, optimizer) for group in optimizer.param_groups]
    return np.array([[float(group[name]) for name in names] for group in groups])


def set_options(optimizer: torch.optim.Optimizer, names: Sequence[str], values: np.ndarray) -> None:
    """Set the numeric options to what `options` returned."""
    for group, row in zip(optimizer.param_groups, values.tolist(), strict=True):
        flat = dict(zip(names, row, strict=True))
        for name in optimizer.defaults:
            if isinstance(group[name], (tuple, list)):
                group[name] = tuple(flat[f"{name}[{i}]"] for i in range(len(group[name])))
            elif name in flat:
                group[name] = flat[name]


def switches(optimizer: torch.optim.Optimizer) -> list[Switches]:
    """Options of each group that are no numbers."""
    groups = [_flat(group, optimizer) for group in optimizer.param_groups]
    return [{n: value for n, value in group.items() if not _is_number(value)} for group in groups]


def check_switches(optimizer: torch.optim.Optimizer, expected: list[Switches], step: int) -> None:
    """Refuse a switch that was turned while recording.

    Raises:
        RecordingError: naming the step.
    """
    found = switches(optimizer)
    if found != expected:
        raise RecordingError(
            f"Options of the optimizer changed before step {step}: expected {expected}, got"
            f" {found}. Keep them, or record a full history (every=1)."
        )


def build_again(
    kind: str, switched: list[Switches], members: list[list[nn.Parameter]]
) -> torch.optim.Optimizer:
    """An optimizer of the recorded kind without a past; numeric options are at their defaults.

    Args:
        kind: name of the class in torch.optim.
        switched: what `switches` returned.
        members: the parameters of each group.
    """
    groups = [{"params": own, **row} for own, row in zip(members, switched, strict=True)]
    return OPTIMIZERS[kind](groups)  # type: ignore[call-arg]


def _flat(group: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The optimizer's own options of a group (a schedule adds others), pairs taken apart."""
    found: dict[str, Any] = {}
    for name in sorted(optimizer.defaults):
        value = group[name]
        if isinstance(value, (tuple, list)):
            found |= {f"{name}[{i}]": member for i, member in enumerate(value)}
        else:
            found[name] = value
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
