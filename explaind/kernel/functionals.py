"""Output functionals: what of a model's output is explained.

A functional maps `(model output [batch, ...], targets [batch])` to one number per sample,
`[batch]`, or several, `[batch, output]`. Its unit is the unit of every influence on it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from explaind.errors import ConfigError

OutputFunctional = Callable[[Any, Any], Tensor]

NAMED = ("target_logprob", "all", "margin", "loss", "logit[c]")


def target_logprob(output: Tensor, target: Tensor) -> Tensor:
    """Log-probability of the target class, nat; outputs may be logits or log-probabilities."""
    return output.log_softmax(-1).gather(-1, target[:, None])[:, 0]


def all_outputs(output: Tensor, _: Tensor) -> Tensor:
    """Every output of the model as it is, `[batch, output]`."""
    return output.flatten(1)


def margin(output: Tensor, target: Tensor) -> Tensor:
    """Output of the target class minus the log-sum-exp of the others, in nat."""
    hit = nn.functional.one_hot(target, output.shape[-1]).bool()
    others = output.masked_fill(hit, -torch.inf).logsumexp(-1)
    return output.gather(-1, target[:, None])[:, 0] - others


def find_functional(
    outputs: str | OutputFunctional, loss_fn: Callable[[Any, Any], Tensor]
) -> tuple[str, OutputFunctional]:
    """Resolve a functional by name.

    Args:
        outputs: one of `NAMED`, or any callable `(output, target) -> [batch] or [batch, output]`.
        loss_fn: the training loss, for `"loss"`.

    Returns:
        Its name and the function.

    Raises:
        ConfigError: for an unknown name.
    """
    if callable(outputs):
        return getattr(outputs, "__name__", "custom"), outputs
    table: dict[str, OutputFunctional] = {
        "target_logprob": target_logprob,
        "all": all_outputs,
        "margin": margin,
        "loss": loss_fn,
    }
    found = re.fullmatch(r"logit\[(\d+)\]", outputs)
    if found:
        index = int(found.group(1))
        return outputs, lambda output, _: output[:, index]
    if outputs not in table:
        raise ConfigError(f"Unknown output functional {outputs!r}. Expected one of {NAMED}.")
    return outputs, table[outputs]


class ModelFunction:
    """A functional of a model's output as a pure function of the trained parameters.

    Args:
        model: the module; its own trained values are never read or changed.
        constants: frozen parameters and buffers by name.
        functional: what to compute of the output.
    """

    def __init__(
        self, model: nn.Module, constants: Mapping[str, Tensor], functional: OutputFunctional
    ) -> None:
        self._model = model
        self._constants = dict(constants)
        self._functional = functional

    def __call__(self, params: Mapping[str, Tensor], x: Any, y: Any) -> Tensor:
        """Evaluate on a batch.

        Args:
            params: the trained parameters by name.
            x: inputs, batch first.
            y: targets, batch first.

        Returns:
            `[batch]` or `[batch, output]`.
        """
        output = functional_call(self._model, {**self._constants, **params}, (x,))
        return self._functional(output, y)
