"""What a network is trained on: its loss, what is measured of it and what can be explained.

Nothing outside of a task knows whether targets are classes or numbers.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from torch.nn import functional

from explaind.choices import IGNORED
from explaind.config.training import EXPLAINED, OF_NUMBERS, Loss
from explaind.own_code import find
from explaind.trees import LossFunction, measured_in, unit_of

Comparison = Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, float]]
"""`(true outputs, reformulated outputs, targets) -> statistics`, sample first in each."""


def compare_numbers(
    true: Float[np.ndarray, "sample ..."],
    reformulated: Float[np.ndarray, "sample ..."],
    _: Shaped[np.ndarray, "sample ..."],
) -> dict[str, float]:
    """Compare reformulated with true outputs that are no scores of classes.

    Args:
        true: outputs of the trained model.
        reformulated: initial output plus data part plus regularisation part.

    Returns:
        The root mean squared error relative to the standard deviation of the true outputs.
    """
    spread = true.std()
    error = np.sqrt(np.square(true - reformulated).mean())
    return {"relative_error": float(error / spread) if spread else math.inf}


@dataclass(frozen=True)
class Metric:
    """A number that tells how well outputs fit their targets; larger is better.

    Attributes:
        function: `(output, target) -> number`, over all samples of a split.
        unit: its unit; "1" for a fraction.
    """

    function: Callable[[Tensor, Tensor], float]
    unit: str = "1"


@dataclass(frozen=True)
class Task:
    """What a network is trained on.

    Attributes:
        loss_fn: per-sample losses; they carry their unit (`trees.unit_of`).
        metrics: what is measured beside the loss, by name.
        functionals: names of the outputs that can be explained (`config.training.EXPLAINED`).
        compare: statistics of reformulated outputs that only this task has.
    """

    loss_fn: LossFunction
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    functionals: tuple[str, ...] = OF_NUMBERS
    compare: Comparison = compare_numbers

    def measures(self) -> dict[str, str]:
        """Return the names of what `measure` returns, with their units."""
        return {"loss": unit_of(self.loss_fn)} | {n: m.unit for n, m in self.metrics.items()}

    def measure(self, output: Tensor, target: Tensor) -> dict[str, float]:
        """Measure outputs on a split.

        Args:
            output: outputs of the network, sample first.
            target: their targets.

        Returns:
            The mean loss and the metrics, by name.
        """
        loss = float(self.loss_fn(output, target).mean())
        return {"loss": loss} | {n: m.function(output, target) for n, m in self.metrics.items()}


@measured_in("nat")
def nll(
    output: Float[Tensor, "batch class"], target: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Return the negative log-likelihoods of log-probabilities, nat."""
    return functional.nll_loss(output, target, reduction="none")


@measured_in("nat")
def cross_entropy(
    output: Float[Tensor, "batch class"], target: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Return the negative log-likelihoods of logits (or log-probabilities), nat."""
    return functional.cross_entropy(output, target, reduction="none")


@measured_in("nat")
def token_cross_entropy(
    output: Float[Tensor, "batch *passage position token"],
    target: Int[Tensor, "batch *passage position"],
) -> Float[Tensor, " batch"]:
    """Return the mean negative log-likelihood of the targets of every sample, nat per token."""
    return token_losses(output, target).sum(1)


def token_losses(
    output: Float[Tensor, "batch *passage position token"],
    target: Int[Tensor, "batch *passage position"],
) -> Float[Tensor, "batch part"]:
    """Return the parts that `token_cross_entropy` is the sum of; 0 where nothing follows."""
    losses = functional.cross_entropy(output.movedim(-1, 1), target, reduction="none").flatten(1)
    counted = (target != IGNORED).flatten(1).sum(1, keepdim=True).clamp(min=1)
    return losses / counted


def token_accuracy(
    output: Float[Tensor, "sample *passage position token"],
    target: Int[Tensor, "sample *passage position"],
) -> float:
    """Return the fraction of targets that are the most likely token."""
    counted = target != IGNORED
    return float((output.argmax(-1) == target)[counted].double().mean())


@measured_in("squared unit of the target")
def squared_error(
    output: Float[Tensor, "batch ..."], target: Float[Tensor, "batch ..."]
) -> Float[Tensor, " batch"]:
    """Return the squared errors, means over the outputs of a sample.

    A target without the axis of a single output is no reason to broadcast.
    """
    return (output - target.reshape(output.shape)).square().flatten(1).mean(1)


def accuracy(output: Float[Tensor, "sample class"], target: Int[Tensor, " sample"]) -> float:
    """Return the fraction of samples whose largest output is that of the target class."""
    return float((output.argmax(-1) == target).double().mean())


def compare_classes(
    true: Float[np.ndarray, "sample class"],
    reformulated: Float[np.ndarray, "sample class"],
    target: Int[np.ndarray, " sample"],
) -> dict[str, float]:
    """Compare reformulated with true outputs as a classifier's (mathematics, section 7).

    Args:
        true: outputs of the trained model.
        reformulated: initial output plus data part plus regularisation part.
        target: target class of each sample.

    Returns:
        Accuracies, agreement of argmax, the mean over samples of
        `KL(softmax true || softmax reformulated)`, nat, and what that softmax divides by: smallest
        and largest sum over the classes of `exp(reformulated)`, relative to that of `exp(true)`.
    """
    p, q = (torch.from_numpy(f).log_softmax(1).numpy() for f in (true, reformulated))
    divergence = (np.exp(p) * (p - q)).sum(1)
    sums = np.exp(np.logaddexp.reduce(reformulated, 1) - np.logaddexp.reduce(true, 1))
    return {
        "model_accuracy": float((true.argmax(1) == target).mean()),
        "reformulated_accuracy": float((reformulated.argmax(1) == target).mean()),
        "argmax_agreement": float((true.argmax(1) == reformulated.argmax(1)).mean()),
        "kl_mean_per_sample": float(divergence.mean()),
        "probability_sum_min": float(sums.min()),
        "probability_sum_max": float(sums.max()),
    }


TASKS: dict[str, Task] = {
    "nll": Task(nll, {"accuracy": Metric(accuracy)}, EXPLAINED["nll"], compare_classes),
    "cross_entropy": Task(
        cross_entropy, {"accuracy": Metric(accuracy)}, EXPLAINED["cross_entropy"], compare_classes
    ),
    "token_cross_entropy": Task(
        token_cross_entropy, {"accuracy": Metric(token_accuracy)}, EXPLAINED["token_cross_entropy"]
    ),
    "squared_error": Task(squared_error, functionals=EXPLAINED["squared_error"]),
}


def task_of(loss: Loss) -> Task:
    """Return the task that a loss of the config stands for, by its name or as a reference."""
    return TASKS[loss] if loss in TASKS else Task(find(loss, "training.loss"))
