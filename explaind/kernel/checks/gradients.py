"""Self-checks: gradients come out right, of functions of each sample alone."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from explaind.errors import ConfigError, ExplaindError, UnsupportedError
from explaind.history.guards import check_separable_loss, same_outputs
from explaind.history.replay.history import History
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.functionals import ModelFunction, whole_output
from explaind.kernel.gradients.fallback import Fallback, dense_gradients
from explaind.kernel.gradients.linearised import LinearisedBatch
from explaind.kernel.gradients.per_sample import Function, PerSampleGradients
from explaind.trees import (
    Inputs,
    LossFunction,
    Outputs,
    Targets,
    Tree,
    batch_size,
    is_uncollated,
    leaves,
    rows_of,
    take,
)

logger = logging.getLogger(__name__)

GRADIENT_TOLERANCE = 1e-3
APART = "its batches hold several rows of a sample, so that each is collated alone"
PROBE_SIZES = (2, 3)  # no other dimension of a layer input equals both


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
    apart = is_uncollated((x, y))
    batches, reason = [repeated((x, y), size) for size in PROBE_SIZES], APART if apart else ""
    ways = [(False, False)] if apart else [(True, True), (False, True), (False, False)]
    for shared, batched in ways:
        way = Fallback(batched=batched, shared=shared, reason=reason)
        try:
            found = _settled(gradients, way, theta, batches)
            if linearised and batched and found.names:
                _check_linearised(gradients, found.names, theta, *batches[0])
            return replace(found, settled=True)
        except Exception as error:  # noqa: BLE001 (torch and the model may raise anything)
            if not shared:  # the reason for the next way, which does without torch's transforms
                reason = reason or " ".join(str(error).split())[:200]
    everything = frozenset(slot.name for slot in gradients.layout.slots)
    return Fallback(everything, batched=False, reason=reason)


def checked_gradients(
    history: History, losses: ModelFunction, loss_fn: LossFunction, data: TrainingData
) -> PerSampleGradients:
    """Return gradients of the loss, if it is one of each sample alone.

    Args:
        history: the recorded path.
        losses: the loss as a function of the parameters.
        loss_fn: the loss as a function of the output.
        data: the training samples.

    Returns:
        Per-sample gradients by the ways that were found to be right.
    """
    theta = history.initial
    params, first = history.layout.unflatten(theta), history.forward_passes(0)[0]
    x, y = data.fetch(history.batch(0)[first.rows][: PROBE_SIZES[-1]], 0, first.draws)
    state = first.draws.get("forward")
    losses, outputs = losses.drawing(state), losses.of(whole_output)  # it is drawn for below
    if is_uncollated(x):  # alone, no sample would draw what it does among the others
        outputs, state = outputs.in_evaluation(), None
    check_separable_loss(lambda inputs: outputs(params, inputs, None), loss_fn, x, y, state)
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
            if wrong & names or (wrong and fallback.shared):
                raise UnsupportedError(f"the gradients of {sorted(wrong)} come out wrong")
            fallback = replace(fallback, names=names | wrong)
            if not wrong:
                return fallback


def repeated(batch: tuple[Inputs, Targets], size: int) -> tuple[Inputs, Targets]:
    """Return a batch of exactly this size, samples repeated if there are fewer."""
    x, y = take(batch, torch.arange(size) % batch_size(batch[0]))
    return x, y


@contextmanager
def naming_samples(samples: Tree) -> Iterator[None]:
    """Name the samples where the model or a functional raises an error of any kind.

    Args:
        samples: what they are called with.

    Raises:
        ConfigError: with their types and shapes, and the error.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, ExplaindError):
            raise
        tensors = [leaf for leaf in leaves(samples) if isinstance(leaf, Tensor)]
        shapes = ", ".join(f"{leaf.dtype} {tuple(leaf.shape)}" for leaf in tensors)
        raise ConfigError(
            f"The explained output cannot be worked out for samples of {shapes}: {error}. Expected"
            " samples like those trained on, and outputs(model output, targets) if it is a function"
            " of your own."
        ) from error


def check_functional(function: Function, params: dict[str, Tensor], x: Inputs, y: Targets) -> None:
    """Refuse an output functional that is not `[sample]` or `[sample, output]`, sample by sample.

    Args:
        function: the functional as a function of the parameters.
        params: parameters by name.
        x: inputs of a few samples.
        y: their targets.

    Raises:
        UnsupportedError: with what was expected of the functional and what it is.
    """
    size = PROBE_SIZES[-1]
    x, y = repeated((x, y), size)
    together, again = _with_gradients(function, params, x, y), function(params, x, y)
    _check_tensor(together, size)
    if not same_outputs(together, again):
        raise UnsupportedError(
            "The explained output is random: it is another one when it is worked out again. Outputs"
            " of a model with dropout are explained in evaluation mode; other noise must be left"
            " out there (if self.training)."
        )
    alone = [function(params, rows_of(x, i, i + 1), rows_of(y, i, i + 1)) for i in range(size)]
    if any(len(one) != 1 for one in alone) or not same_outputs(together, torch.cat(alone)):
        raise UnsupportedError(
            "The explained output of a sample depends on the other samples of its batch. Only"
            " functionals of one sample's own output can be explained."
        )


def _with_gradients(
    function: Function, params: Mapping[str, Tensor], x: Inputs, y: Targets
) -> Outputs:
    """What the function returns where gradients are wanted."""
    with torch.enable_grad():
        return function({n: t.detach().requires_grad_(True) for n, t in params.items()}, x, y)


def _check_tensor(output: Outputs, size: int) -> None:
    """Refuse what is no real number or row of a sample, or has no gradient (UnsupportedError)."""
    expected = "outputs must return one number per sample or one row per sample: expected"
    if not isinstance(output, Tensor) or not output.is_floating_point():
        got = output.dtype if isinstance(output, Tensor) else type(output).__name__
        raise UnsupportedError(f"{expected} a tensor of real floating numbers, got {got}.")
    if output.dim() not in (1, 2) or len(output) != size:
        raise UnsupportedError(
            f"{expected} shape ({size},) or ({size}, K) for {size} samples, got"
            f" {tuple(output.shape)}."
        )
    if not output.requires_grad:
        raise UnsupportedError(
            "The explained output has no gradient with respect to the trained parameters: it was"
            " detached, made of whole numbers (argmax), or depends on frozen ones only. Explain"
            " what it is made of."
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
