"""Self-checks: the recorded path is the one that the given loss and data explain."""

import logging
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.errors import ConfigError, RecordingError, UnsupportedError
from explaind.history.checksums import UNSEEN
from explaind.history.history import History
from explaind.history.regularisation import RegularisationMotion
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.contraction.training_side import TrainingSide
from explaind.kernel.gradients.per_sample import Function, PerSampleGradients
from explaind.kernel.nonsmooth.secant import RecordOps
from explaind.trees import Inputs, Targets, batch_size, rows_of, take

logger = logging.getLogger(__name__)

GRADIENT_TOLERANCE = 1e-3
PROBE_SIZES = (2, 3)  # no other dimension of a layer input equals both
SAMPLES_PER_CHECK = 1024


@torch.enable_grad()
def check_capture(
    gradients: PerSampleGradients, theta: Float[Tensor, " param"], x: Inputs, y: Targets
) -> frozenset[str]:
    """Compare captured per-sample gradients with plain autograd, sample by sample.

    Two batch sizes tell the batch from a dimension that happens to be as long. The log names the
    tensors that need the fallback.

    Args:
        gradients: the per-sample gradients to check.
        theta: parameters at which to compare.
        x: inputs of a few samples.
        y: their targets.

    Returns:
        Tensors that need the fallback: their gradients differ, or no layer rule knows how they are
        used (the first dimension of a layer's input is not the batch, say).
    """
    wrong: set[str] = set()
    for size in PROBE_SIZES:
        wrong |= _wrong_tensors(gradients, theta, *_repeated((x, y), size))
    if wrong:
        logger.info("per-sample gradients by vmap (no layer rule): %s", sorted(wrong))
    return frozenset(wrong)


def _repeated(batch: tuple[Inputs, Targets], size: int) -> tuple[Inputs, Targets]:
    """A batch of exactly this size, samples repeated if there are fewer."""
    x, y = take(batch, torch.arange(size) % batch_size(batch[0]))
    return x, y


def check_functional(function: Function, params: dict[str, Tensor], x: Inputs, y: Targets) -> None:
    """Refuse an output functional that is not `[sample]` or `[sample, output]`, sample by sample.

    Args:
        function: the functional as a function of the parameters.
        params: parameters by name.
        x: inputs of a few samples.
        y: their targets.

    Raises:
        UnsupportedError: with the shape expected and that of the functional.
    """
    size = PROBE_SIZES[-1]
    x, y = _repeated((x, y), size)
    together = function(params, x, y)
    if together.dim() not in (1, 2) or len(together) != size:
        raise UnsupportedError(
            "outputs must return one number per sample or one row per sample: expected shape"
            f" ({size},) or ({size}, K) for {size} samples, got {tuple(together.shape)}."
        )
    alone = [function(params, rows_of(x, i, i + 1), rows_of(y, i, i + 1)) for i in range(size)]
    if any(len(one) != 1 for one in alone) or not torch.allclose(
        together, torch.cat(alone), rtol=1e-3, atol=1e-5, equal_nan=True
    ):
        raise UnsupportedError(
            "The explained output of a sample depends on the other samples of its batch. Only"
            " functionals of one sample's own output can be explained."
        )


def check_explained(values: Float[Tensor, "sample output"], name: str) -> None:
    """Refuse explained outputs that are not finite.

    Args:
        values: explained outputs before training.
        name: what they are called.

    Raises:
        ConfigError: naming the first sample.
    """
    rows = (~values.isfinite()).any(1).nonzero()
    if len(rows):
        raise ConfigError(
            f"The explained output {name} of sample {int(rows[0])} is not finite before training."
            " Correct the sample, or what is explained of it."
        )


class FoundOps(NamedTuple):
    """What the query side must know of the piecewise-linear ops of a model.

    Attributes:
        piecewise_linear: whether there are any.
        sample_first: whether the inputs of all of them have the sample first.
        untreated: names of functions that may hide kinks and are left to the plain rule.
    """

    piecewise_linear: bool
    sample_first: bool
    untreated: list[str]


def find_ops(function: Function, params: dict[str, Tensor], x: Inputs, y: Targets) -> FoundOps:
    """Look for piecewise-linear ops in the forward passes of a few samples.

    Two batch sizes tell the batch from a dimension that happens to be as long.

    Args:
        function: makes the forward pass.
        params: parameters by name.
        x: inputs.
        y: their targets.

    Returns:
        What was found.
    """
    ops, untreated, sample_first = 0, set[str](), True
    for size in PROBE_SIZES:
        with torch.no_grad(), RecordOps() as mode:
            function(params, *_repeated((x, y), size))
        sample_first &= all(op.z.shape[:1] == (size,) for op in mode.ops)
        ops, untreated = len(mode.ops), mode.untreated
    return FoundOps(ops > 0, sample_first, sorted(untreated))


def _wrong_tensors(
    gradients: PerSampleGradients, theta: Float[Tensor, " param"], x: Inputs, y: Targets
) -> set[str]:
    """Return the tensors that no layer rule knows, or whose gradients differ from autograd's.

    Autograd goes through the forward pass of the same batch: one sample alone would be rounded
    otherwise, and where a kink is hit, its gradient differs for that reason.
    """
    captured = theta.new_zeros(batch_size(x), len(theta))
    for columns, rows, gradient in gradients(theta, x, y):
        captured[rows, columns] = gradient[:, 0]
    wrong = set(gradients.capture(theta, x, y).fallback)
    leaf = theta.detach().clone().requires_grad_(True)
    h = gradients.function(gradients.layout.unflatten(leaf), x, y)
    for row, outputs in zip(captured, h.reshape(len(h), -1), strict=True):
        (expected,) = torch.autograd.grad(outputs[0], leaf, retain_graph=True)
        for slot in gradients.layout.slots:
            want, got = expected[slot.start : slot.stop], row[slot.start : slot.stop]
            scale = want.abs().max() + torch.finfo(theta.dtype).tiny
            if (want - got).abs().max() > GRADIENT_TOLERANCE * scale:
                wrong.add(slot.name)
    return wrong


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
    seen = np.flatnonzero(expected != UNSEEN)
    for start in range(0, len(seen), SAMPLES_PER_CHECK):
        rows = seen[start : start + SAMPLES_PER_CHECK]
        differs = rows[data.checksums(torch.from_numpy(rows)) != expected[rows]]
        if len(differs):
            raise ConfigError(
                f"Sample {differs[0]} of train_data is not the one that was trained on"
                f" ({len(differs)} of the first {rows[-1] + 1} differ). Expected the same samples"
                " in the same order, not augmented: give `augment` to the recorder and here."
            )


def check_first_step(
    history: History, training: TrainingSide, regularisation: RegularisationMotion
) -> None:
    """Rebuild the first step that moved the parameters from loss, data and optimizer rule.

    Args:
        history: the recorded path.
        training: the training side, with the loss and data given by the user.
        regularisation: the part of its motion due to regularisation.

    Raises:
        RecordingError: if the rebuilt step differs from the recorded one.
    """
    momentum: Any = 0.0
    for block in history.blocks():
        for step in range(block.start, block.stop):
            theta, weight = block.theta(step), history.sample_weight(step)
            data = training.batch_gradient(theta, step, history.batch(step), weight)
            gradient = history.clip(step) * data + regularisation.gradient(block, step)
            momentum = (
                history.coefficient("mu", step) * momentum
                + history.coefficient("nu", step) * gradient
            )
            alpha, gamma = history.coefficient("alpha", step), history.coefficient("gamma", step)
            rebuilt = -(alpha * momentum + gamma * gradient)
            decoupled = -history.coefficient("decoupled", step) * theta
            preconditioner = history.preconditioner(block, step)
            # compared before the preconditioner, which blows up the rounding of vanishing gradients
            recorded = (block.increment(step) - decoupled) / preconditioner
            rounding = torch.finfo(theta.dtype).eps * (theta / preconditioner).norm()
            if float(recorded.norm()) <= 10 * float(rounding):
                continue
            error = float((rebuilt - recorded).norm())
            if error > GRADIENT_TOLERANCE * float(recorded.norm()) + 10 * float(rounding):
                raise RecordingError(
                    f"The recorded step {step} does not follow from this loss and these"
                    " data: relative"
                    f" difference {error / float(recorded.norm()):.2e}, expected below"
                    f" {GRADIENT_TOLERANCE:g}. Check that loss_fn, reduction, penalty and"
                    " model are those"
                    " of the training loop, that train_data has the same samples in the"
                    " same order, that augment is the function the recorder was given, and"
                    " that gradients were clipped through recorder.clip_grad_norm_."
                )
            return
