"""Output functionals: what of a model's output is explained.

A functional maps `(model output [batch, ...], targets [batch])` to one number per sample,
`[batch]`, or several, `[batch, output]`. Its unit is the unit of every influence on it.
"""

import copy
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss

from explaind.choices import IGNORED
from explaind.errors import ConfigError
from explaind.history.random_state import in_mode, replayed
from explaind.history.wrappers import is_compiled
from explaind.kernel.class_scores import class_scores, scores_of
from explaind.trees import (
    Forward,
    Inputs,
    LossFunction,
    Outputs,
    Targets,
    call,
    collated,
    copied,
    unit_of,
)

OutputFunction = Callable[[Outputs, Targets], Tensor]

NAMED = ("target_logprob", "sum_logprob", "mean_logprob", "all", "margin", "loss", "logit[c]")


@dataclass(frozen=True)
class Functional:
    """What of a model's output is explained.

    Attributes:
        name: its name.
        unit: its unit, "1" for pure numbers.
        function: `(model output, targets) -> [batch] or [batch, output]`.
        forward: what it calls in place of the model, if it explains a part of it; its inputs are
            its own.
    """

    name: str
    unit: str
    function: OutputFunction
    forward: Forward | None = None

    @property
    def of_classes(self) -> bool:
        """Whether its targets are numbers of classes."""
        of_classes = (target_logprob, sum_logprob, mean_logprob, margin)
        return any(self.function is function for function in of_classes)


def target_logprob(output: Outputs, target: Targets) -> Tensor:
    """Return the log-probability of the target class, nat, of logits or log-probabilities.

    By position where there are several (`class_scores`), 0 where the target is to be ignored.
    """
    scores, classes = class_scores(output, target)
    return _of_classes(scores.log_softmax(-1), classes)


def sum_logprob(output: Outputs, target: Targets) -> Tensor:
    """Return the log-probability of all targets of a sample together, nat.

    Of a span of a sequence, where all targets outside of it are to be ignored (`IGNORED`).
    """
    by_position = target_logprob(output, target)
    return by_position if by_position.dim() == 1 else by_position.sum(1)


def mean_logprob(output: Outputs, target: Targets) -> Tensor:
    """Return the mean log-probability of the targets of a sample, nat.

    Per token of a sequence; targets that are to be ignored (`IGNORED`) are left out.
    """
    by_position = target_logprob(output, target)
    counted = (target != IGNORED).reshape(len(by_position), -1).sum(1).clamp(min=1)
    mean: Tensor = sum_logprob(output, target) / counted
    return mean


def whole_output(output: Outputs, _: Targets) -> Outputs:
    """Return the model's output as it is, whatever it is made of."""
    return output


def all_outputs(output: Outputs, _: Targets) -> Tensor:
    """Return every output of the model as it is, `[batch, output]`."""
    scores = scores_of(output)
    return scores.reshape(len(scores), -1)


def margin(output: Outputs, target: Targets) -> Tensor:
    """Return the score of the target class minus the log-sum-exp of the others, in nat.

    By position where there are several (`class_scores`), 0 where the target is to be ignored.
    """
    scores, classes = class_scores(output, target)
    others = scores.scatter(-1, classes.clamp(0)[..., None], -torch.inf).logsumexp(-1)
    return _of_classes(scores - others[..., None], classes)


def _of_classes(scores: Tensor, classes: Tensor) -> Tensor:
    """The score of each class; not by `gather`, which might choose among samples."""
    rows = scores.flatten(0, -2)
    chosen = nll_loss(rows, classes.flatten(), reduction="none", ignore_index=IGNORED)
    return -chosen.view(classes.shape)


@dataclass(frozen=True)
class Logit:
    """The score of one class, in every position.

    Attributes:
        number: the class.
    """

    number: int

    def __call__(self, output: Outputs, target: Targets) -> Tensor:
        """Return it, `[batch]` or `[batch, position]`.

        Raises:
            ConfigError: if there is no such class.
        """
        scores = scores_of(output)
        scores = scores[:, None] if scores.dim() == 1 else scores
        scores = scores if scores.dim() == 2 else class_scores(output, target)[0]
        if self.number >= scores.shape[-1]:
            raise ConfigError(
                f"logit[{self.number}]: expected a class from 0 to {scores.shape[-1] - 1}, the"
                f" output of the model has shape {tuple(scores_of(output).shape)}."
            )
        return scores[..., self.number]


def find_functional(
    outputs: str | OutputFunction, loss_fn: LossFunction, output_unit: str = "1"
) -> Functional:
    """Resolve a functional by name.

    Log-probabilities and margins are in nat. A callable and the loss are in the unit that they
    carry (`trees.unit_of`), outputs of the model in that of the model.

    Args:
        outputs: one of `NAMED`, or any callable `(output, target) -> [batch] or [batch, output]`;
            one with a method `forward` of `(model, x)` is given what that returns.
        loss_fn: the training loss, for `"loss"`.
        output_unit: unit of the model's outputs: "nat" of log-probabilities, "1" of logits.

    Returns:
        The functional.

    Raises:
        ConfigError: for an unknown name, or neither name nor function.
    """
    if callable(outputs):
        name = getattr(outputs, "__name__", "custom")
        return Functional(name, unit_of(outputs), outputs, getattr(outputs, "forward", None))
    table: dict[str, tuple[str, OutputFunction]] = {
        "target_logprob": ("nat", target_logprob),
        "sum_logprob": ("nat", sum_logprob),
        "mean_logprob": ("nat", mean_logprob),
        "all": (output_unit, all_outputs),
        "margin": ("nat", margin),
        "loss": (unit_of(loss_fn), loss_fn),
    }
    if not isinstance(outputs, str):
        raise ConfigError(
            f"outputs: expected a function or one of {NAMED}, got {type(outputs).__name__}."
        )
    logit = re.fullmatch(r"logit\[(\d+)\]", outputs)
    if logit:
        return Functional(outputs, output_unit, Logit(int(logit.group(1))))
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
        forward: calls the model.
        training: names of the modules in training mode; None = the mode is left as it is.

    Attributes:
        state: state of the generators that every evaluation draws from; None of a function that
            draws nothing. With one it is a function of a whole batch only.
    """

    def __init__(
        self,
        model: nn.Module,
        constants: Mapping[str, Tensor],
        function: OutputFunction,
        forward: Forward = call,
        training: Collection[str] | None = None,
    ) -> None:
        self._model, self._forward, self._training = model, forward, training
        self.state: Tensor | None = None
        self._constants = dict(constants)
        self._function = function
        self._places = _places(model)
        self._recurrent = any(isinstance(module, nn.RNNBase) for module in model.modules())
        self._compiled = any(is_compiled(module) for module in model.modules())

    def of(self, function: OutputFunction) -> "ModelFunction":
        """Return another functional of the same model."""
        other = copy.copy(self)
        other._function = function
        return other

    def drawing(self, state: Tensor | None) -> "ModelFunction":
        """Return the same function with random numbers drawn from a state."""
        other = copy.copy(self)
        other.state = state
        return other

    def in_evaluation(self) -> "ModelFunction":
        """Return the same function of the model in evaluation mode, which draws nothing."""
        other = self.drawing(None)
        other._training = ()
        return other

    def __call__(self, params: Mapping[str, Tensor], x: Inputs, y: Targets) -> Outputs:
        """Evaluate on a batch.

        Args:
            params: the trained parameters by name.
            x: inputs, batch first.
            y: targets, batch first.

        Returns:
            What the function returns, `[batch]` or `[batch, output]` of a functional.
        """
        device = next(iter(params.values())).device
        with self.holding(params), self._plain_kernels(), replayed(self.state, device):
            output = self._forward(self._model, collated(copied(x)))
        return self._function(output, collated(y))

    @contextmanager
    def holding(self, params: Mapping[str, Tensor]) -> Iterator[None]:
        """Put other tensors in the places of the model's own, and it in its mode, for a while.

        Activation checkpointing calls the model once more in the backward pass.

        Args:
            params: the trained parameters by name.

        Yields:
            Nothing.
        """
        values = {**self._constants, **params}
        own = [tensors[key] for tensors, key, _ in self._places]
        try:
            for tensors, key, name in self._places:
                tensors[key] = values.get(name, tensors[key])
            with in_mode(self._model, self._training):
                yield
        finally:
            for (tensors, key, _), tensor in zip(self._places, own, strict=True):
                tensors[key] = tensor

    @contextmanager
    def _plain_kernels(self) -> Iterator[None]:
        """Run the model as it was written, of calls that can be watched and differentiated.

        cuDNN's recurrent kernels take no backward pass in eval mode, and no second one; compiled
        code hides its calls.
        """
        with ExitStack() as stack:
            if self._recurrent:
                stack.enter_context(without_cudnn())
            if self._compiled:
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            yield


@contextmanager
def without_cudnn() -> Iterator[None]:
    """Compute with torch's own kernels, for a while; nothing else of cuDNN's flags changes.

    Yields:
        Nothing.
    """
    before = torch.backends.cudnn.enabled
    torch.backends.cudnn.enabled = False
    try:
        yield
    finally:
        torch.backends.cudnn.enabled = before


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
