"""Losses that a loop may have: per sample, as the loop reduces them, and the weights that gives.

One list: tests try each, the generated cases combine them, and the documented table names them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from tests.support.optimizers import FULL_ONLY

CLASSES, POSITIONS = 3, 2
IGNORED = -100
CLASS_WEIGHTS = torch.tensor([0.5, 1.0, 2.5], dtype=torch.float64)

Targets = Tensor | list[dict[str, Tensor]]
Penalty = Callable[[Mapping[str, Tensor]], Tensor]


def classes(count: int, generator: torch.Generator) -> Tensor:
    """Numbers of classes."""
    return torch.randint(CLASSES, (count,), generator=generator)


def numbers(count: int, generator: torch.Generator) -> Tensor:
    """One number for each sample."""
    return torch.randn(count, generator=generator, dtype=torch.float64)


def first_of_class_0(count: int, generator: torch.Generator) -> Tensor:
    """Numbers of classes; the first sample is of class 0."""
    found = classes(count, generator)
    found[0] = 0
    return found


def shares(count: int, generator: torch.Generator) -> Tensor:
    """Probabilities of the classes."""
    scores = torch.randn(count, CLASSES, generator=generator, dtype=torch.float64)
    return scores.softmax(-1)


def bits(count: int, generator: torch.Generator) -> Tensor:
    """One of two classes."""
    return (classes(count, generator) > 0).double()


def labels(count: int, generator: torch.Generator) -> Tensor:
    """Several labels for each sample."""
    return (shares(count, generator) > 0.3).double()


def some_ignored(count: int, generator: torch.Generator) -> Tensor:
    """Numbers of classes, every third of which does not count."""
    found = classes(count, generator)
    found[2::3] = IGNORED
    return found


def padded_tokens(count: int, generator: torch.Generator) -> Tensor:
    """Classes by position, of which the second does not count in every other sample."""
    found = torch.randint(CLASSES, (count, POSITIONS), generator=generator)
    found[1::2, 1] = IGNORED
    return found


def classes_and_numbers(count: int, generator: torch.Generator) -> list[dict[str, Tensor]]:
    """A class and a number for each sample."""
    pairs = zip(classes(count, generator), numbers(count, generator), strict=True)
    return [{"class": chosen, "number": number} for chosen, number in pairs]


def mean(losses: Tensor, _: Tensor) -> Tensor:
    """The mean over the samples."""
    return losses.mean()


def equal(y: Any) -> Tensor:
    """Weights of a mean over samples."""
    count = len(y["class"]) if isinstance(y, dict) else len(y)
    return torch.full((count,), 1.0 / count, dtype=torch.float64)


def as_it_is(x: Tensor) -> Tensor:
    """The numbers of the last layer themselves."""
    return x


@dataclass(frozen=True)
class Kind:
    """A kind of loss.

    Attributes:
        of_sample: `(output, targets) -> [batch]`, what the recorder is given.
        make_targets: makes targets.
        width: numbers that the last layer makes of each sample.
        shaped: makes of them what the model returns.
        reduced: `(losses, targets) -> scalar`, as the loop has it.
        weights: weight of each sample that this gives.
        reduction: the same, as the recorder is told.
        in_loop: `(output, targets) -> scalar` where the loop calls another function.
        penalty: what the loop adds of the parameters.
        told: whether recorder and kernel are told of the penalty.
        outputs: what of the output is explained.
        refused: what the refusal says, if it is refused.
    """

    of_sample: Callable[[Any, Tensor], Tensor]
    make_targets: Callable[[int, torch.Generator], Targets] = classes
    width: int = CLASSES
    shaped: Callable[[Tensor], Any] = as_it_is
    reduced: Callable[[Tensor, Tensor], Tensor] = mean
    weights: Callable[[Tensor], Tensor] = equal
    reduction: str = "mean"
    in_loop: Callable[[Any, Tensor], Tensor] | None = None
    penalty: Penalty | None = None
    told: bool = True
    outputs: str = "all"
    refused: str = ""

    def of_batch(self, output: Any, y: Tensor) -> Tensor:
        """The loss of a batch as the loop has it, without penalty."""
        if self.in_loop is not None:
            return self.in_loop(output, y)
        return self.reduced(self.of_sample(output, y), y)

    @property
    def averaged(self) -> bool:
        """Whether a checkpointed history can repeat it: a mean or sum of what was named."""
        uniform = self.weights is equal or self.reduction == "sum"
        return uniform and self.in_loop is None and self.told

    @property
    def way(self) -> str:
        """Which histories it can be recorded in."""
        return "yes" if self.averaged else FULL_ONLY


def cross_entropy(output: Tensor, y: Tensor) -> Tensor:
    """The usual one."""
    return F.cross_entropy(output, y, reduction="none")


def class_weighted(output: Tensor, y: Tensor) -> Tensor:
    """Weighted by class."""
    return F.cross_entropy(output, y, CLASS_WEIGHTS, reduction="none")


def over_class_weights(losses: Tensor, y: Tensor) -> Tensor:
    """Torch's mean: over the weights of the classes, ignored samples without any."""
    return losses.sum() / CLASS_WEIGHTS[y].sum()


def by_position(output: Tensor, y: Tensor) -> Tensor:
    """The sum over the positions of a sample that are not padding."""
    return F.cross_entropy(output.transpose(1, 2), y, reduction="none").sum(1)


def counted(y: Tensor) -> Tensor:
    """Weights of a mean over everything that counts in a batch."""
    return torch.full((len(y),), 1.0 / float((y != IGNORED).sum()), dtype=torch.float64)


def over_counted(losses: Tensor, y: Tensor) -> Tensor:
    """The mean over everything that counts in a batch."""
    return losses.sum() / (y != IGNORED).sum()


def smoothed(output: Tensor, y: Tensor) -> Tensor:
    """Label smoothing."""
    return F.cross_entropy(output, y, reduction="none", label_smoothing=0.1)


def gaussian(output: tuple[Tensor, Tensor], y: Tensor) -> Tensor:
    """Likelihood of a mean and the logarithm of a variance."""
    centre, log_variance = output
    return 0.5 * (log_variance + (y - centre).square() * torch.exp(-log_variance))


def focal(output: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy, less of it where the class is likely."""
    losses = cross_entropy(output, y)
    return (1.0 - torch.exp(-losses)).square() * losses


def aligned(output: Tensor, y: Tensor) -> Tensor:
    """Likelihood of a label that may stand at any position (CTC); class 0 is none."""
    lengths = torch.full((2, len(y)), POSITIONS)
    lengths[1] = 1
    scores = output.log_softmax(-1).transpose(0, 1)
    return F.ctc_loss(scores, y.clamp(1)[:, None], lengths[0], lengths[1], reduction="none")


def of_both(output: Tensor, y: dict[str, Tensor]) -> Tensor:
    """Cross-entropy of a class and squared error of a number."""
    of_class = F.cross_entropy(output[:, :CLASSES], y["class"], reduction="none")
    return of_class + 0.5 * (output[:, CLASSES] - y["number"]).square()


def counting_only(losses: Tensor, y: Tensor) -> Tensor:
    """The mean over samples of the classes 1 and 2, by a mask; 0 if there are none."""
    counts = (y > 0).double()
    return (counts * losses).sum() / counts.sum().clamp(1.0)


def scalar(x: Tensor) -> Tensor:
    """One number for each sample, without an axis."""
    return x[:, 0]


def positions(x: Tensor) -> Tensor:
    """Scores by position."""
    return x.unflatten(1, (POSITIONS, CLASSES))


def small(parameters: Mapping[str, Tensor]) -> Tensor:
    """A penalty on all weights."""
    return 0.02 * torch.stack([p.square().sum() for p in parameters.values()]).sum()


def even(parameters: Mapping[str, Tensor]) -> Tensor:
    """A penalty on some weights that is no square."""
    return 0.1 * parameters["head.weight"].abs().add(0.1).log().sum()


def contrast(output: Tensor, _: Tensor) -> Tensor:
    """A loss of each sample that depends on the others."""
    return torch.diagonal(-(output @ output.T).log_softmax(-1))


LOSSES = {
    "cross-entropy": Kind(cross_entropy, outputs="target_logprob"),
    'cross-entropy, summed in the loop, `reduction="sum"`': Kind(
        cross_entropy,
        reduced=lambda losses, _: losses.sum(),
        weights=lambda y: torch.ones(len(y), dtype=torch.float64),
        reduction="sum",
    ),
    "cross-entropy with class weights, torch's weighted mean": Kind(
        class_weighted,
        reduced=over_class_weights,
        weights=lambda y: equal(y) * len(y) / CLASS_WEIGHTS[y].sum(),
    ),
    "cross-entropy in the recorder, `CrossEntropyLoss(weight=...)` in the loop": Kind(
        cross_entropy,
        in_loop=lambda output, y: F.cross_entropy(output, y, CLASS_WEIGHTS),
        weights=lambda y: CLASS_WEIGHTS[y] / CLASS_WEIGHTS[y].sum(),
    ),
    "`ignore_index`, mean over what counts": Kind(
        cross_entropy,
        some_ignored,
        reduced=over_counted,
        weights=counted,
    ),
    "label smoothing": Kind(smoothed),
    "soft labels": Kind(cross_entropy, shares),
    "`log_softmax` and `nll_loss`": Kind(
        lambda output, y: F.nll_loss(output, y, reduction="none"),
        shaped=lambda x: x.log_softmax(-1),
        outputs="target_logprob",
    ),
    "a dict with `logits`": Kind(
        lambda output, y: cross_entropy(output["logits"], y),
        shaped=lambda x: {"logits": x, "hidden": 2.0 * x},
    ),
    "binary cross-entropy, one logit `[batch]`": Kind(
        lambda output, y: F.binary_cross_entropy_with_logits(output, y, reduction="none"),
        bits,
        1,
        scalar,
    ),
    "binary cross-entropy, one logit `[batch, 1]`": Kind(
        lambda output, y: F.binary_cross_entropy_with_logits(output[:, 0], y, reduction="none"),
        bits,
        1,
    ),
    "binary cross-entropy of several labels": Kind(
        lambda output, y: F.binary_cross_entropy_with_logits(output, y, reduction="none").mean(1),
        labels,
    ),
    "squared error `[batch]`": Kind(
        lambda output, y: F.mse_loss(output, y, reduction="none"), numbers, 1, scalar
    ),
    "squared error `[batch, 1]`": Kind(
        lambda output, y: F.mse_loss(output[:, 0], y, reduction="none"), numbers, 1
    ),
    "Huber's loss": Kind(
        lambda output, y: F.huber_loss(output, y, reduction="none", delta=0.5), numbers, 1, scalar
    ),
    "focal loss": Kind(focal, outputs="target_logprob"),
    "Kullback-Leibler divergence": Kind(
        lambda output, y: F.kl_div(output.log_softmax(-1), y, reduction="none").sum(1), shares
    ),
    "binary cross-entropy with `pos_weight`": Kind(
        lambda output, y: F.binary_cross_entropy_with_logits(
            output, y, reduction="none", pos_weight=CLASS_WEIGHTS
        ).sum(1),
        labels,
    ),
    "CTC": Kind(aligned, width=POSITIONS * CLASSES, shaped=positions),
    "two heads, targets in a dict": Kind(of_both, classes_and_numbers, CLASSES + 1),
    "some samples masked in the loop": Kind(
        cross_entropy,
        first_of_class_0,
        reduced=counting_only,
        weights=lambda y: (y > 0).double() / (y > 0).sum().clamp(1),
    ),
    "hinge loss": Kind(
        lambda output, y: F.multi_margin_loss(output, y, reduction="none"), outputs="loss"
    ),
    "Poisson's likelihood": Kind(
        lambda output, y: F.poisson_nll_loss(output, y.abs(), reduction="none"),
        numbers,
        1,
        scalar,
    ),
    "a tuple of mean and variance (Gaussian likelihood)": Kind(
        gaussian, numbers, 2, lambda x: (x[:, 0], x[:, 1]), outputs="loss"
    ),
    "by position, with padding, mean over the tokens of a batch": Kind(
        by_position,
        padded_tokens,
        POSITIONS * CLASSES,
        positions,
        over_counted,
        counted,
        outputs="target_logprob",
    ),
    "by position, mean over the tokens of each sample": Kind(
        lambda output, y: by_position(output, y) / (y != IGNORED).sum(1),
        padded_tokens,
        POSITIONS * CLASSES,
        positions,
    ),
    "a penalty that recorder and kernel are told of": Kind(cross_entropy, penalty=small),
    "a penalty that is no square": Kind(cross_entropy, penalty=even),
    "a penalty that they are not told of": Kind(
        cross_entropy, penalty=small, told=False, refused="L2 penalty|has another part"
    ),
    "other label smoothing than was named": Kind(
        cross_entropy,
        in_loop=lambda output, y: F.cross_entropy(output, y, label_smoothing=0.1),
        refused="no weighted sum of loss_fn",
    ),
    "a loss that contrasts the samples of a batch": Kind(
        contrast, refused="depends on the other samples"
    ),
    "one number for the whole batch": Kind(
        F.cross_entropy,
        reduced=lambda loss, _: loss,
        refused="one loss per sample: expected shape",
    ),
}
