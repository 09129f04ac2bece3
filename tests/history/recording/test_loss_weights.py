"""Weights of samples, read off what a loss sends back to the output of a model."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from explaind.errors import RecordingError
from explaind.history.accumulation import Part
from explaind.history.batches import Batch
from explaind.history.recording.loss_weights import sample_weights

BATCH, CLASSES, POSITIONS = 5, 3, 4
CLASS_WEIGHTS = torch.tensor([1.0, 2.0, 8.0], dtype=torch.float64)
LABELS = torch.tensor([0, 2, 1, 1, 0])
SOFT = torch.tensor([[0.2, 0.8, 0.0], [0.5, 0.3, 0.2]] * 3, dtype=torch.float64)[:BATCH]
LENGTHS = torch.tensor([4, 1, 2, 3, 1])
TOKENS = torch.where(torch.arange(POSITIONS) < LENGTHS[:, None], 1, -100)
IGNORED = torch.where(LABELS == 1, -100, LABELS)


def ce(**options):
    return lambda output, target: F.cross_entropy(output, target, **options)


def token_losses(output, target):
    return F.cross_entropy(output.transpose(1, 2), target, reduction="none")


def token_mean(output, target):
    return F.cross_entropy(output.flatten(0, 1), target.flatten())


def squared(output, target):
    return (output - target).square().flatten(1).mean(1)


NUMBERS = torch.linspace(-1, 1, BATCH, dtype=torch.float64)
weighted = {"weight": CLASS_WEIGHTS}
CASES = {
    "mean": (ce(), ce(reduction="none"), LABELS, [0.2] * 5),
    "sum": (ce(reduction="sum"), ce(reduction="none"), LABELS, [1.0] * 5),
    "class weights, in the losses": (
        ce(**weighted),
        ce(reduction="none", **weighted),
        LABELS,
        [1 / 14] * 5,
    ),
    "class weights, by the loop": (
        ce(**weighted),
        ce(reduction="none"),
        LABELS,
        [1 / 14, 8 / 14, 2 / 14, 2 / 14, 1 / 14],
    ),
    "ignored labels": (ce(), ce(reduction="none"), IGNORED, [1 / 3] * 5),
    "label smoothing": (
        ce(label_smoothing=0.1),
        ce(label_smoothing=0.1, reduction="none"),
        LABELS,
        [0.2] * 5,
    ),
    "soft labels": (ce(), ce(reduction="none"), SOFT, [0.2] * 5),
    "binary": (
        lambda o, y: F.binary_cross_entropy_with_logits(o[:, 0], y),
        lambda o, y: F.binary_cross_entropy_with_logits(o[:, 0], y, reduction="none"),
        (LABELS > 0).double(),
        [0.2] * 5,
    ),
    "squares, [batch]": (
        lambda o, y: F.mse_loss(o[:, 0], y),
        lambda o, y: (o[:, 0] - y).square(),
        NUMBERS,
        [0.2] * 5,
    ),
    "squares, [batch, 1]": (
        lambda o, y: F.mse_loss(o[:, :1], y),
        lambda o, y: squared(o[:, :1], y),
        NUMBERS[:, None],
        [0.2] * 5,
    ),
    "tokens, sums": (token_mean, lambda o, y: token_losses(o, y).sum(1), TOKENS, [1 / 11] * 5),
    "tokens, means": (
        token_mean,
        lambda o, y: token_losses(o, y).sum(1) / (y >= 0).sum(1),
        TOKENS,
        (LENGTHS / 11).tolist(),
    ),
}


def part_of(loss, target, dtype=torch.float64, scale=1.0):
    """A forward pass whose output the loss sent its gradient back to."""
    generator = torch.Generator().manual_seed(0)
    shape = (BATCH, POSITIONS, CLASSES) if target.shape[1:] == (POSITIONS,) else (BATCH, CLASSES)
    output = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    output.requires_grad_(True)
    (scale * loss(output, target)).backward()
    batch = Batch(output.detach(), target, torch.arange(BATCH))
    return Part(batch, output.detach(), [output.grad])


@pytest.mark.parametrize("case", CASES)
def test_weights_of_a_loss(case):
    loss, losses, target, expected = CASES[case]
    found = sample_weights(part_of(loss, target), losses, 1 / BATCH, 0)
    counted = (target != -100).reshape(BATCH, -1).any(1)
    torch.testing.assert_close(found[counted], torch.tensor(expected).double()[counted])


def test_named_weights_are_exact_in_single_precision():
    part = part_of(ce(), LABELS, torch.float32)
    assert sample_weights(part, ce(reduction="none"), 1 / BATCH, 0).tolist() == [1 / BATCH] * BATCH


def test_a_loss_taken_in_single_precision_has_its_rounding():
    """As models of transformers in double precision return theirs."""
    part = part_of(lambda output, target: ce()(output.float(), target), LABELS)
    own = ce(reduction="none")
    assert len(set(sample_weights(part, own, 1 / BATCH, 0).tolist())) > 1
    part.loss_dtype = torch.float32
    assert sample_weights(part, own, 1 / BATCH, 0).tolist() == [1 / BATCH] * BATCH


def test_well_fitted_samples_have_the_weight_of_the_others():
    """`p - 1` has no digits left in single precision; a weight read off it would be noise."""
    output = torch.tensor([[17.0, 0.0, 0.0], [16.5, 0.1, 0.2], [0.3, 0.1, 0.0]])
    output.requires_grad_(True)
    labels = torch.zeros(3, dtype=torch.int64)
    (F.cross_entropy(output, labels, reduction="none").sum() / 7).backward()
    part = Part(Batch(output.detach(), labels, torch.arange(3)), output.detach(), [output.grad])
    found = sample_weights(part, ce(reduction="none"), 1 / 3, 0)
    torch.testing.assert_close(found, torch.full((3,), 1 / 7).double(), rtol=1e-5, atol=0)


FOREIGN = {
    "label smoothing": ce(label_smoothing=0.1),
    "other targets": lambda output, target: F.cross_entropy(output, target.roll(1)),
    "a part of its own": lambda output, target: (
        F.cross_entropy(output, target) + 0.1 * output.square().mean()
    ),
}


@pytest.mark.parametrize("loss", FOREIGN.values(), ids=FOREIGN)
def test_a_loss_of_another_kind_is_refused(loss):
    with pytest.raises(RecordingError, match="loss of step 7 is no weighted sum"):
        sample_weights(part_of(loss, LABELS), ce(reduction="none"), 1 / BATCH, 7)
