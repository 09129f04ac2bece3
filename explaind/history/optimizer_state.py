"""The tensors that an optimizer keeps, as flat vectors: taken for a snapshot and put back."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.errors import RecordingError
from explaind.history.layout import ParameterLayout

Parameters = Mapping[str, nn.Parameter]
"""The trained tensors by name."""


def state_names(optimizer: torch.optim.Optimizer) -> tuple[str, ...]:
    """Names of the tensors, shaped like the parameter, that a supported optimizer keeps."""
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
    """The optimizer's tensors for all parameters, NaN where it keeps none (yet).

    Args:
        optimizer: the optimizer.
        names: what `state_names` gave when the recording began.
        parameters: the trained tensors.
        layout: how they lie in the flat vector.

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

    def vector(name: str) -> Tensor:
        absent = {n: torch.full_like(parameters[n], torch.nan) for n in states}
        return layout.flatten({n: state.get(name, absent[n]) for n, state in states.items()})

    return {name: vector(name) for name in names}


def load_state_vectors(
    optimizer: torch.optim.Optimizer,
    vectors: Mapping[str, Float[Tensor, " param"]],
    step: int,
    parameters: Parameters,
    layout: ParameterLayout,
) -> None:
    """Give an optimizer the state of a snapshot.

    Args:
        optimizer: the optimizer; its options stay.
        vectors: what `state_vectors` returned.
        step: steps taken before.
        parameters: the trained tensors.
        layout: how they lie in the flat vector.
    """
    members = [member for group in optimizer.param_groups for member in group["params"]]
    place = {id(parameter): number for number, parameter in enumerate(members)}
    views = {name: layout.unflatten(vector) for name, vector in vectors.items()}
    states = {}
    for slot in layout.slots:
        # cloned, because the alignment of a view may change how sums are rounded
        kept = {name: view[slot.name].clone() for name, view in views.items()}
        kept = {name: tensor for name, tensor in kept.items() if not tensor.isnan().any()}
        if kept and not isinstance(optimizer, torch.optim.SGD):
            kept["step"] = torch.tensor(float(step))
        states[place[id(parameters[slot.name])]] = kept
    groups = optimizer.state_dict()["param_groups"]
    found = {number: state for number, state in states.items() if state}
    optimizer.load_state_dict({"state": found, "param_groups": groups})
