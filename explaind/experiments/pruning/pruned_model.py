"""A copy of a model without its least important parameters, through `torch.nn.utils.prune`."""

from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Literal, get_args

from torch import Tensor, nn
from torch.nn.utils import prune

from explaind.errors import ConfigError

Scope = Literal["global", "layer"]
"""Whether the kept parameters are counted over all tensors together or within each."""

SCOPES: tuple[Scope, ...] = get_args(Scope)

Place = tuple[nn.Module, str]


def prunable(names: Collection[str], excluded: Collection[str], key: str) -> list[str]:
    """Names of the tensors that are pruned.

    Args:
        names: names of the trained tensors.
        excluded: those that are never pruned.
        key: config key of `excluded`, for the message.

    Returns:
        The names, in their order.

    Raises:
        ConfigError: if an excluded name is not a trained tensor, or nothing is left to prune.
    """
    unknown = sorted(set(excluded) - set(names))
    if unknown:
        raise ConfigError(
            f"{key}: expected names of trained tensors ({', '.join(names)}), got {unknown[0]!r};"
            " correct it."
        )
    rest = [name for name in names if name not in excluded]
    if not rest:
        raise ConfigError(f"{key}: expected at least one tensor to prune, got none; exclude fewer.")
    return rest


def pruned_model(
    model: nn.Module, scores: Mapping[str, Tensor], keep: float, scope: Scope
) -> nn.Module:
    """Set the parameters of smallest score to zero; no fine-tuning.

    Args:
        model: the trained model, left as it is.
        scores: importance of the parameters of each prunable tensor, by name, not negative.
        keep: fraction of the prunable parameters that is kept, to the nearest whole number.
        scope: what the fraction is of.

    Returns:
        The pruned copy. Exactly that fraction is kept, whatever scores are equal.
    """
    copy = deepcopy(model)
    places = {name: _place(copy, name) for name in scores}
    if scope == "global":
        prune.global_unstructured(
            list(places.values()),
            prune.L1Unstructured,
            importance_scores={places[name]: score for name, score in scores.items()},
            amount=_removed(sum(score.numel() for score in scores.values()), keep),
        )
    else:
        for name, score in scores.items():
            amount = _removed(score.numel(), keep)
            prune.l1_unstructured(  # type: ignore[no-untyped-call]
                *places[name], amount, importance_scores=score
            )
    for place in places.values():
        prune.remove(*place)  # type: ignore[no-untyped-call]
    return copy


def _place(model: nn.Module, name: str) -> Place:
    module, _, parameter = name.rpartition(".")
    return model.get_submodule(module), parameter


def _removed(parameters: int, keep: float) -> int:
    return parameters - round(keep * parameters)
