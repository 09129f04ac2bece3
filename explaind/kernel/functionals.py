"""Output functionals: what of a model's output is explained.

A functional maps `(model output [batch, ...], targets [batch])` to one number per sample,
`[batch]`, or several, `[batch, output]`. Its unit is the unit of every influence on it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explaind.errors import ConfigError
from explaind.trees import Inputs, LossFunction, Outputs, Targets, copied, unit_of

OutputFunction = Callable[[Outputs, Targets], Tensor]

NAMED = ("target_logprob", "all", "margin", "loss", "logit[c]")


@dataclass(frozen=True)
class Functional:
    """What of a model's output is explained.

    Attributes:
        name: its name.
        unit: its unit, "1" for pure numbers.
        function: `(model output, targets) -> [batch] or [batch, output]`.
    """

    name: str
    unit: str
    function: OutputFunction


def target_logprob(output: Tensor, target: Tensor) -> Tensor:
    """Return the log-probability of the target class, nat, of logits or log-probabilities."""
    return output.log_softmax(-1).gather(-1, target[:, None])[:, 0]


def all_outputs(output: Tensor, _: Tensor) -> Tensor:
    """Return every output of the model as it is, `[batch, output]`."""
    return output.flatten(1)


def margin(output: Tensor, target: Tensor) -> Tensor:
    """Return the output of the target class minus the log-sum-exp of the others, in nat."""
    others = output.scatter(-1, target[:, None], -torch.inf).logsumexp(-1)
    return output.gather(-1, target[:, None])[:, 0] - others


def find_functional(
    outputs: str | OutputFunction, loss_fn: LossFunction, output_unit: str = "1"
) -> Functional:
    """Resolve a functional by name.

    Log-probabilities and margins are in nat. A callable and the loss are in the unit that they
    carry (`trees.unit_of`), outputs of the model in that of the model.

    Args:
        outputs: one of `NAMED`, or any callable `(output, target) -> [batch] or [batch, output]`.
        loss_fn: the training loss, for `"loss"`.
        output_unit: unit of the model's outputs: "nat" of log-probabilities, "1" of logits.

    Returns:
        The functional.

    Raises:
        ConfigError: for an unknown name.
    """
    if callable(outputs):
        name = getattr(outputs, "__name__", "custom")
        return Functional(name, unit_of(outputs), outputs)
    table: dict[str, tuple[str, OutputFunction]] = {
        "target_logprob": ("nat", target_logprob),
        "all": (output_unit, all_outputs),
        "margin": ("nat", margin),
        "loss": (unit_of(loss_fn), loss_fn),
    }
    logit = re.fullmatch(r"logit\[(\d+)\]", outputs)
    if logit:
        index = int(logit.group(1))
        return Functional(outputs, output_unit, lambda output, _: output[:, index])
    if outputs not in table:
        raise ConfigError(f"Unknown output functional {outputs!r}. Expected one of {NAMED}.")
    return Functional(outputs, *table[outputs])


class ModelFunction:
    """A functional of a model's output as a pure function of the trained parameters.

    What `torch.func.functional_call` does; but where the tensors of the model belong is looked up
    once and not in every pass, which takes longer than the forward pass of a small model.

    Args:
        model: the module; its own trained values are never read or changed.
        constants: frozen parameters and buffers by name.
        function: what to compute of the output.
    """

    def __init__(
        self, model: nn.Module, constants: Mapping[str, Tensor], function: OutputFunction
    ) -> None:
        self._model = model
        self._constants = dict(constants)
        self._function = function
        self._places = _places(model)

    def __call__(self, params: Mapping[str, Tensor], x: Inputs, y: Targets) -> Tensor:
        """Evaluate on a batch.

        Args:
            params: the trained parameters by name.
            x: inputs, batch first.
            y: targets, batch first.

        Returns:
            `[batch]` or `[batch, output]`.
        """
        with self._holding({**self._constants, **params}):
            output = self._model(copied(x))
        return self._function(output, y)

    @contextmanager
    def _holding(self, values: Mapping[str, Tensor]) -> Iterator[None]:
        """Put other tensors in the places of the model's own, for a while."""
        own = [tensors[key] for tensors, key, _ in self._places]
        try:
            for tensors, key, name in self._places:
                tensors[key] = values.get(name, tensors[key])
            yield
        finally:
            for (tensors, key, _), tensor in zip(self._places, own, strict=True):
                tensors[key] = tensor


def _places(model: nn.Module) -> list[tuple[dict[str, Any], str, str]]:
    """Find where the tensors of a model are held.

    Args:
        model: the module.

    Returns:
        A dict of a module, the key there, and the name of the tensor. A tied tensor has several
        places, all under its first name.
    """
    tensors = [*model.named_parameters(), *model.named_buffers()]
    name_of = {id(tensor): name for name, tensor in tensors}
    return [
        (held, key, name_of[id(tensor)])
        for module in model.modules()
        for held in (module._parameters, module._buffers)
        for key, tensor in held.items()
        if tensor is not None
    ]
