"""Self-checks: what is explained with is what was recorded, and the steps follow from it."""

import logging
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from explaind.errors import ConfigError, RecordingError
from explaind.history.checksums import UNSEEN, sample_checksums
from explaind.history.guards import check_batch_norm, check_dropout
from explaind.history.recording.gradient_check import HALF_TOLERANCE
from explaind.history.replay.history import Block, History, Scale
from explaind.history.replay.regularisation import RegularisationMotion
from explaind.kernel.checks.gradients import GRADIENT_TOLERANCE
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.contraction.training_side import TrainingSide
from explaind.trees import Penalty

logger = logging.getLogger(__name__)

SAMPLES_PER_CHECK = 1024

REBUILT_AT_RANDOM = 4
"""First steps that are rebuilt where random numbers are drawn again; masks may agree by chance."""

_DRAWN_AGAIN = (
    " Random numbers are drawn again: dropout must have the same probability, and noise the"
    " floating type it was recorded in (dtype=)."
)


def compare_values(history: History, model: nn.Module) -> None:
    """Tell if a module has other values than those recorded, which are the ones explained.

    Args:
        history: the recorded path, tensors named as in the module.
        model: the module; a new one may have the recorded initial values.
    """
    own = {name: tensor.detach() for name, tensor in model.named_parameters()}
    if any(tensor.is_meta for tensor in own.values()):
        return
    vector = history.layout.flatten(own).to(history.device, history.dtype)
    initial, final = history.initial, history.theta(history.steps)
    if torch.equal(vector, initial) or torch.equal(vector, final):
        return
    logger.info(
        "the module has other values than at the end of the recorded training (by up to %.2g, an"
        " average of parameters or later training, say): the recorded ones are explained",
        float((vector - final).abs().max()),
    )


def check_random(history: History, model: nn.Module, device: str | torch.device) -> None:
    """Refuse a random model unless what it drew was recorded and can be drawn again.

    Args:
        history: the recorded path.
        model: the module given to explain with.
        device: where to compute.

    Raises:
        ConfigError: if random numbers were drawn on another kind of device.
    """
    if history.training_modules is None:  # otherwise it is put into the recorded mode
        check_batch_norm(model, history.steps)
        check_dropout(model, history.steps)
    if history.drawn_on not in (None, torch.device(device).type):
        raise ConfigError(
            f"device: expected {history.drawn_on}, where the recorded training drew its random"
            f" numbers (dropout, augmentation), got {device}. Other devices draw others."
        )


def check_samples(history: History, data: TrainingData) -> None:
    """Compare the training samples with the checksums recorded while training.

    Args:
        history: the recorded path.
        data: the training samples given to explain with.

    Raises:
        ConfigError: if there are fewer samples, a sample is another one than was trained on, or
            only one of recorder and kernel was given an augmentation.
    """
    if history.augmented != data.augmented:
        given = ("the function that was recorded with, got none", "none, as was recorded, got one")
        raise ConfigError(
            f"augment: expected {given[data.augmented]}. Give the same to explaind.record and"
            " PathKernel."
        )
    expected = history.sample_checksums()
    if len(expected) > len(data):
        raise ConfigError(
            f"train_data has {len(data)} samples, the recorded batches refer to sample"
            f" {len(expected) - 1}. Give the training set of the recorded run."
        )
    found_of = _in_batches if history.checksums_in_batches else _alone
    for rows, found in found_of(history, data, expected != UNSEEN):
        differs = rows[found != expected[rows]]
        if len(differs):
            raise ConfigError(
                f"Sample {differs[0]} of train_data is not the one that was trained on"
                f" ({len(differs)} of the first {rows.max() + 1} differ). Expected the same samples"
                " in the same order, not augmented: give `augment` to the recorder and here."
                " Samples padded to the longest of their batch are given as the DataLoader, or as a"
                " dataset with its collate_fn."
            )


def _alone(
    _: History, data: TrainingData, seen: Bool[np.ndarray, " sample"]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Samples that were seen and their checksums, each in a batch of its own."""
    rows = np.flatnonzero(seen)
    for start in range(0, len(rows), SAMPLES_PER_CHECK):
        some = rows[start : start + SAMPLES_PER_CHECK]
        yield some, data.checksums(torch.from_numpy(some))


def _in_batches(
    history: History, data: TrainingData, seen: Bool[np.ndarray, " sample"]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same, in the batches that they were first in."""
    left = seen.copy()
    for step in range(history.steps):
        for one in history.forward_passes(step):
            index = history.batch(step)[one.rows]
            rows = index.numpy()
            if (first := left[rows]).any():
                yield rows[first], sample_checksums(*data.samples(index, one.draws))[first]
                left[rows] = False


def check_penalty(history: History, penalty: Penalty | None) -> None:
    """Compare the penalty given with what the recorder was told.

    Args:
        history: the recorded path.
        penalty: the penalty given to explain with.

    Raises:
        ConfigError: if only one of recorder and kernel was given a penalty.
    """
    if history.penalised != (penalty is not None):
        given = ("none, as was recorded, got one", "the function that was recorded with, got none")
        raise ConfigError(
            f"penalty: expected {given[history.penalised]}. Give the same to explaind.record and"
            " PathKernel."
        )


def check_first_step(
    history: History, training: TrainingSide, regularisation: RegularisationMotion
) -> None:
    """Rebuild the first step that moved the parameters from loss, data and optimizer rule.

    A few of them where random numbers are drawn again.

    Args:
        history: the recorded path.
        training: the training side, with the loss and data given by the user.
        regularisation: the part of its motion due to regularisation.

    Raises:
        RecordingError: if the rebuilt step differs from the recorded one.
    """
    momentum = history.first_moment()
    momentum = torch.zeros_like(history.initial) if momentum is None else momentum
    tolerance = GRADIENT_TOLERANCE if history.autocast is None else HALF_TOLERANCE
    left = 1 if history.drawn_on is None else REBUILT_AT_RANDOM
    for step in range(history.steps):
        block = history.read(step, step + 1)  # alone: the first one mostly is enough
        theta, weights = block.theta(step), history.sample_weights(step)
        passes = history.forward_passes(step)
        gradient = training.batch_gradient(theta, step, history.batch(step), weights, passes)
        gradient.mul_(history.clip(step)).add_(regularisation.gradient(block, step))
        error, motion, rounding = _compared(history, block, step, gradient, momentum)
        if motion <= 10 * rounding:
            continue
        if error > tolerance * motion + 10 * rounding:
            raise RecordingError(
                f"The recorded step {step} does not follow from this loss and these"
                " data: relative"
                f" difference {error / motion:.2e}, expected below"
                f" {tolerance:g}. Check that loss_fn, reduction, penalty and"
                " model are those"
                " of the training loop, that train_data has the same samples in the"
                " same order, that augment is the function the recorder was given, and"
                " that gradients were clipped through recorder.clip_grad_norm_."
                f"{_DRAWN_AGAIN if history.drawn_on else ''}"
            )
        left -= 1
        if not left:
            return


def _compared(
    history: History,
    block: Block,
    step: int,
    gradient: Float[Tensor, " param"],
    momentum: Float[Tensor, " param"],
) -> tuple[float, float, float]:
    """Compare a step rebuilt from its gradient with the recorded one, tensor by tensor.

    Whole vectors of everything would take many times the memory of the parameters. Compared without
    the preconditioner, which blows up the rounding of vanishing gradients.

    Args:
        history: the recorded path.
        block: a block that holds the step.
        step: the step.
        gradient: gradient of the whole loss of the step.
        momentum: momentum before the step; afterwards that behind it.

    Returns:
        Euclidean norms of the difference, of the recorded step and of its rounding.
    """
    names = ("mu", "nu", "alpha", "gamma", "decoupled")
    coefficients = [history.coefficient(name, step) for name in names]
    diagonals = history.preconditioner(block, step)
    squares = gradient.new_zeros(3, dtype=torch.float64)
    # computing in double precision brings back nothing of what recording in single one rounded
    eps = max(torch.finfo(kind).eps for kind in (history.dtype, history.stored_dtype))
    for slot in history.layout.slots:
        here = slice(slot.start, slot.stop)
        mu, nu, alpha, gamma, decoupled = (_part(scale, here) for scale in coefficients)
        of_gradient, of_step = (_part(diagonal, here) for diagonal in diagonals)
        own, theta = of_gradient * gradient[here], block.theta(step)[here]
        momentum[here] = mu * momentum[here] + nu * own
        rebuilt = -(alpha * momentum[here] + gamma * own) / of_gradient
        scale = of_step * of_gradient
        recorded = (block.theta(step + 1)[here] - theta + decoupled * theta) / scale
        rounding = eps * theta / scale
        squares += torch.stack(
            [(v.double() ** 2).sum() for v in (rebuilt - recorded, recorded, rounding)]
        )
    error, motion, rounding = squares.sqrt().tolist()
    return error, motion, rounding


def _part(scale: Scale, here: slice) -> float | Float[Tensor, " some"]:
    """A number for all parameters, or those of some."""
    return scale[here] if isinstance(scale, Tensor) else scale
