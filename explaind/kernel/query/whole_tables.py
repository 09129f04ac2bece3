"""Queries depend on every row of a look-up table, whatever training did with it.

`padding_idx` and `scale_grad_by_freq` of an embedding change what its backward pass returns, not
what it computes: training never gives the padding row a gradient, but weight decay moves it, and
the outputs follow.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from explaind.trees import Forward, Inputs, Outputs


class _WholeTables(TorchFunctionMode):
    """Looks rows up without the options that only concern the backward pass."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        _types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        if func is not functional.embedding:
            return func(*args, **(kwargs or {}))
        return _look_up(*args, **(kwargs or {}))


def _look_up(
    input: Tensor,  # noqa: A002 (torch's names)
    weight: Tensor,
    padding_idx: int | None = None,  # noqa: ARG001
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,  # noqa: ARG001
    sparse: bool = False,
) -> Tensor:
    return functional.embedding(
        input, weight, max_norm=max_norm, norm_type=norm_type, sparse=sparse
    )


def with_whole_tables(forward: Forward) -> Forward:
    """Return the same call of a model with true derivatives in all rows of its look-up tables."""

    def whole(model: nn.Module, x: Inputs) -> Outputs:
        with _WholeTables():
            return forward(model, x)

    return whole
