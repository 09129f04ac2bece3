"""Multi-head attention as torch computes it: its projections are linear layers."""

import inspect
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from explaind.kernel.gradients.rule import Call

if TYPE_CHECKING:
    from explaind.kernel.gradients.capture import LayerCapture


def attention(
    capture: "LayerCapture", func: Call, *args: object, **kwargs: object
) -> tuple[Tensor, Tensor | None] | None:
    """Call `functional.multi_head_attention_forward` with its projections watched.

    Torch is left the attention itself, of projected inputs and with the identity as projections;
    so masks and weights are its own.

    Args:
        capture: notes the linear layers.
        func: the function.
        args: its arguments, sequence first.
        kwargs: those given by name.

    Returns:
        What the function returns; None for a call without a batch, with biases of keys and values,
        or with keys and values of another width.
    """
    call = inspect.signature(func).bind(*args, **kwargs)
    call.apply_defaults()
    given = call.arguments
    inputs = [given[name] for name in ("query", "key", "value")]
    batched = all(x.dim() == 3 and x.shape[1] == capture.batch for x in inputs)
    biased = given["bias_k"] is not None or given["bias_v"] is not None
    if not batched or biased or given["use_separate_proj_weight"]:
        return None
    given["query"], given["key"], given["value"] = _projected(capture, inputs, given)
    last = given["out_proj_weight"], given["out_proj_bias"]
    query = given["query"]
    identity = torch.eye(query.shape[2], dtype=query.dtype, device=query.device)
    names = ("q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj_weight")
    given |= {"use_separate_proj_weight": True, "in_proj_weight": None, "in_proj_bias": None}
    given |= {"out_proj_bias": None, **dict.fromkeys(names, identity)}
    attended, weights = func(**given)
    return _linear(capture, attended, *last), weights


def _projected(
    capture: "LayerCapture", inputs: list[Tensor], given: dict[str, Any]
) -> list[Tensor]:
    """Queries, keys and values; a packed projection is made once of every input that differs."""
    packed: dict[int, Tensor] = {}
    for x in inputs:
        if id(x) not in packed:
            packed[id(x)] = _linear(capture, x, given["in_proj_weight"], given["in_proj_bias"])
    return [packed[id(x)].chunk(3, dim=-1)[place] for place, x in enumerate(inputs)]


def _linear(capture: "LayerCapture", x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A watched linear layer of a sequence-first input."""
    y = capture.linear(functional.linear, x.transpose(0, 1), weight, bias)
    assert y is not None  # the second dimension is the batch
    return y.transpose(0, 1)
