"""What an encoder is trained to do: how inputs are perturbed, targets, losses of the samples."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from explaind.config.encoder import Classification, Denoising, Inpainting, Pretext
from explaind.data.perturbation import GaussianNoise, Perturbation, RandomMask
from explaind.training.task import cross_entropy
from explaind.trees import LossFunction, measured_in


@dataclass(frozen=True)
class PretextTask:
    """What an encoder is trained to do.

    Attributes:
        perturb: what is done to the inputs of a step; None = nothing.
        target: `(clean inputs, classes) -> targets`.
        loss_fn: `(outputs, targets) -> losses`, one per sample; their mean is minimised.
    """

    perturb: Perturbation | None
    target: Callable[[Tensor, Tensor], Tensor]
    loss_fn: LossFunction


def pretext_task(settings: Pretext, seed: int) -> PretextTask:
    """Build what an encoder is trained to do.

    Args:
        settings: the section of the pretext.
        seed: seed of the perturbations.

    Returns:
        The task.
    """
    if isinstance(settings, Classification):
        return PretextTask(None, lambda _, y: y, cross_entropy)
    return PretextTask(_perturbation(settings, seed), lambda x, _: x, LOSSES[settings.loss])


def _perturbation(settings: Pretext, seed: int) -> Perturbation | None:
    if isinstance(settings, Denoising):
        return GaussianNoise(seed, settings.std)
    if isinstance(settings, Inpainting):
        return RandomMask(seed, settings.dropped)
    return None


@measured_in("1")
def squared_error(
    output: Float[Tensor, "batch ..."], target: Float[Tensor, "batch ..."]
) -> Float[Tensor, " batch"]:
    """Return the squared error of each sample, mean over its numbers."""
    return functional.mse_loss(output, target, reduction="none").flatten(1).mean(1)


@measured_in("1")
def absolute_error(
    output: Float[Tensor, "batch ..."], target: Float[Tensor, "batch ..."]
) -> Float[Tensor, " batch"]:
    """Return the absolute error of each sample, mean over its numbers."""
    return functional.l1_loss(output, target, reduction="none").flatten(1).mean(1)


LOSSES: dict[str, LossFunction] = {"mse": squared_error, "l1": absolute_error}


def held_out(
    samples: int, share: float, seed: int
) -> tuple[Int[Tensor, " fitted"], Int[Tensor, " held"]]:
    """Split training samples into those that are trained on and those that select the weights.

    Args:
        samples: number of training samples.
        share: share that is held out, at least one sample.
        seed: seed of the split.

    Returns:
        Indices of both, ascending.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(samples, generator=generator)
    count = max(1, round(share * samples))
    return order[count:].sort().values, order[:count].sort().values
