"""Self-checks: the recorded path is the one that the given loss and data explain."""

import logging
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.errors import ConfigError, RecordingError, UnsupportedError
from explaind.history.checksums import UNSEEN
from explaind.history.gradient_check import HALF_TOLERANCE
from explaind.history.guards import check_separable_loss
from explaind.history.history import History
from explaind.history.regularisation import RegularisationMotion
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.contraction.training_side import TrainingSide
from explaind.kernel.functionals import ModelFunction
from explaind.kernel.gradients.fallback import Fallback, dense_gradients
from explaind.kernel.gradients.linearised import LinearisedBatch
from explaind.kernel.gradients.per_sample import Function, PerSampleGradients
from explaind.trees import Inputs, LossFunction, Penalty, Targets, batch_size, rows_of, take

logger = logging.getLogger(__name__)

GRADIENT_TOLERANCE = 1e-3
PROBE_SIZES = (2, 3)  # no other dimension of a layer input equals both
SAMPLES_PER_CHECK = 1024


def check_capture(
    gradients: PerSampleGradients,
    theta: Float[Tensor, " param"],
    x: Inputs,
    y: Targets,
    linearised: bool = False,
) -> Fallback:
    """Find out how per-sample gradients are to be had, by comparing them with plain autograd.

    Two batch sizes tell the batch from a dimension that happens to be as long.

    Args:
        gradients: the per-sample gradients to check.
        theta: parameters at which to compare.
        x: inputs of a few samples.
        y: their targets.
        linearised: whether the function has to be linearised as well.

    Returns:
        Tensors that need the fallback: their gradients differ, or no layer rule knows how they are
        used (the first dimension of a layer's input is not the batch, say). One autograd call per
        sample where `vmap` raises an error or differs, for all tensors where the capture does.
    """
    batches, reason = [repeated((x, y), size) for size in PROBE_SIZES], ""
    for batched in (True, False):
        try:
            found = _settled(gradients, Fallback(batched=batched, reason=reason), theta, batches)
            if linearised and batched and found.names:
                _check_linearised(gradients, found.names, theta, *batches[0])
            return replace(found, settled=True)
        except Exception as error:  # noqa: BLE001 (torch and the model may raise anything)
            reason = reason or " ".join(str(error).split())[:200]
    everything = frozenset(slot.name for slot in gradients.layout.slots)
    return Fallback(everything, batched=False, reason=reason)


def checked_gradients(
    history: History,
    losses: ModelFunction,
    outputs: ModelFunction,
    loss_fn: LossFunction,
    x: Inputs,
    y: Targets,
) -> PerSampleGradients:
    """Return gradients of the loss, if it is one of each sample alone.

    Args:
        history: the recorded path.
        losses: the loss as a function of the parameters.
        outputs: the model's output, likewise.
        loss_fn: the loss as a function of the output.
        x: inputs of a few training samples.
        y: their targets.

    Returns:
        Per-sample gradients by the ways that were found to be right.
    """
    theta = history.theta(0)
    params = history.layout.unflatten(theta)
    check_separable_loss(lambda inputs: outputs(params, inputs, None), loss_fn, x, y)
    gradients = PerSampleGradients(losses, history.layout)
    fallback = check_capture(gradients, theta, x, y, linearised=True)
    if fallback.names:
        logger.info("%s", fallback)
    return gradients.with_fallback(fallback)


def _settled(
    gradients: PerSampleGradients,
    fallback: Fallback,
    theta: Float[Tensor, " param"],
    batches: list[tuple[Inputs, Targets]],
) -> Fallback:
    """Send tensors whose gradients differ through the fallback, until none does.

    Args:
        gradients: the per-sample gradients.
        fallback: the fallback to begin with.
        theta: parameters at which to compare.
        batches: inputs and targets to compare on.

    Returns:
        The fallback with which all gradients are right.

    Raises:
        UnsupportedError: if there is none.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="There is a performance drop")  # by vmap
        while True:
            trial, unknown, wrong = gradients.with_fallback(fallback), set[str](), set[str]()
            for batch in batches:
                found = theta.new_zeros(batch_size(batch[0]), len(theta))
                for columns, rows, gradient in trial(theta, *batch):
                    found[rows, columns] = gradient[:, 0]
                unknown |= trial.capture(theta, *batch).fallback
                wrong |= _wrong_tensors(found, gradients, theta, *batch)
            names = fallback.names | unknown
            if wrong & names:
                raise UnsupportedError(f"the gradients of {sorted(wrong & names)} come out wrong")
            fallback = replace(fallback, names=names | wrong)
            if not wrong:
                return fallback


def repeated(batch: tuple[Inputs, Targets], size: int) -> tuple[Inputs, Targets]:
    """Return a batch of exactly this size, samples repeated if there are fewer."""
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
    x, y = repeated((x, y), size)
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


def _check_linearised(
    gradients: PerSampleGradients,
    names: frozenset[str],
    theta: Float[Tensor, " param"],
    x: Inputs,
    y: Targets,
) -> None:
    """Compare a derivative of the linearised losses with per-sample gradients.

    Args:
        gradients: the per-sample gradients.
        names: the tensors without a layer rule.
        theta: parameters at which to compare.
        x: inputs of a few samples.
        y: their targets.

    Raises:
        UnsupportedError: if they differ.
    """
    rows = theta.new_zeros(batch_size(x), len(theta))
    for columns, samples, gradient in gradients.by_fallback(names, theta, x, y):
        rows[samples, columns] = gradient[:, 0]
    linearised = LinearisedBatch(gradients.function, gradients.layout, names, theta, x, y, 1.0)
    direction = gradients.layout.unflatten(rows[0])
    found = linearised.along({name: direction[name] for name in names})
    if not torch.allclose(found, rows @ rows[0], rtol=GRADIENT_TOLERANCE):
        raise UnsupportedError("the second derivative of the loss comes out wrong")


@torch.enable_grad()
def _wrong_tensors(
    found: Float[Tensor, "batch param"],
    gradients: PerSampleGradients,
    theta: Float[Tensor, " param"],
    x: Inputs,
    y: Targets,
) -> set[str]:
    """Return the tensors whose gradients, as found, differ from autograd's.

    Autograd goes through the forward pass of the same batch: one sample alone would be rounded
    otherwise, and where a kink is hit, its gradient differs for that reason.
    """
    wrong: set[str] = set()
    leaves = gradients.layout.leaves(theta)
    with gradients.function.holding(leaves):
        h = gradients.function(leaves, x, y)
        for row, outputs in zip(found, h.reshape(len(h), -1), strict=True):
            expected = dense_gradients(outputs[0], leaves)
            for slot, gradient in zip(gradients.layout.slots, expected, strict=True):
                want, got = gradient.flatten(), row[slot.start : slot.stop]
                scale = want.abs().max() + torch.finfo(theta.dtype).tiny
                if (want - got).abs().max() > GRADIENT_TOLERANCE * scale:
                    wrong.add(slot.name)
    return wrong


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
    initial, final = history.theta(0), history.theta(history.steps)
    if torch.equal(vector, initial) or torch.equal(vector, final):
        return
    logger.info(
        "the module has other values than at the end of the recorded training (by up to %.2g, an"
        " average of parameters or later training, say): the recorded ones are explained",
        float((vector - final).abs().max()),
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
    seen = np.flatnonzero(expected != UNSEEN)
    for start in range(0, len(seen), SAMPLES_PER_CHECK):
        rows = seen[start : start + SAMPLES_PER_CHECK]
        differs = rows[data.checksums(torch.from_numpy(rows)) != expected[rows]]
        if len(differs):
            raise ConfigError(
                f"Sample {differs[0]} of train_data is not the one that was trained on"
                f" ({len(differs)} of the first {rows[-1] + 1} differ). Expected the same samples"
                " in the same order, not augmented: give `augment` to the recorder and here."
                " Samples padded to the longest of their batch are compared one by one where drawn"
                " by recorder.batches and given as the DataLoader or with its collate_fn."
            )


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

    Args:
        history: the recorded path.
        training: the training side, with the loss and data given by the user.
        regularisation: the part of its motion due to regularisation.

    Raises:
        RecordingError: if the rebuilt step differs from the recorded one.
    """
    momentum: Any = history.first_moment()
    momentum = 0.0 if momentum is None else momentum
    tolerance = GRADIENT_TOLERANCE if history.autocast is None else HALF_TOLERANCE
    for step in range(history.steps):
        block = history.read(step, step + 1)  # alone: the first one mostly is enough
        theta, weights = block.theta(step), history.sample_weights(step)
        data = training.batch_gradient(theta, step, history.batch(step), weights)
        of_gradient, of_step = history.preconditioner(block, step)
        added = regularisation.gradient(block, step)
        gradient = of_gradient * (history.clip(step) * data + added)
        momentum = (
            history.coefficient("mu", step) * momentum + history.coefficient("nu", step) * gradient
        )
        alpha, gamma = history.coefficient("alpha", step), history.coefficient("gamma", step)
        # compared without the preconditioner, which blows up the rounding of vanishing gradients
        rebuilt = -(alpha * momentum + gamma * gradient) / of_gradient
        decoupled = -history.coefficient("decoupled", step) * theta
        scale = of_step * of_gradient
        recorded = (block.increment(step) - decoupled) / scale
        rounding = torch.finfo(theta.dtype).eps * (theta / scale).norm()
        if float(recorded.norm()) <= 10 * float(rounding):
            continue
        error = float((rebuilt - recorded).norm())
        if error > tolerance * float(recorded.norm()) + 10 * float(rounding):
            raise RecordingError(
                f"The recorded step {step} does not follow from this loss and these"
                " data: relative"
                f" difference {error / float(recorded.norm()):.2e}, expected below"
                f" {tolerance:g}. Check that loss_fn, reduction, penalty and"
                " model are those"
                " of the training loop, that train_data has the same samples in the"
                " same order, that augment is the function the recorder was given, and"
                " that gradients were clipped through recorder.clip_grad_norm_."
            )
        return
