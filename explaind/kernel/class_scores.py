"""Where the class scores lie in what a model returns, told by the shapes of output and targets."""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from explaind.choices import IGNORED
from explaind.errors import ConfigError
from explaind.trees import Inputs, Outputs, Targets, batch_size, collated, rows_of

LOGITS = "logits"
"""Key or attribute of the scores in a dict or in what a Hugging Face model returns."""

REMEDY = "Give a function (output, target) -> [sample] or [sample, output] as `outputs`."


def scores_of(output: Outputs) -> Tensor:
    """Return the tensor of scores that a model returned, alone or as `logits` among others.

    Args:
        output: a tensor, a mapping with the key `logits`, or an object with that attribute.

    Returns:
        The scores, sample first.

    Raises:
        ConfigError: if the output is something else, with what it is.
    """
    if isinstance(output, Tensor):
        return output
    scores = output.get(LOGITS) if isinstance(output, Mapping) else getattr(output, LOGITS, None)
    if isinstance(scores, Tensor):
        return scores
    held = f" with {sorted(output)}" if isinstance(output, Mapping) else ""
    raise ConfigError(
        f"The model returns {type(output).__name__}{held}; expected a tensor, or one called"
        f" {LOGITS!r} among others. {REMEDY}"
    )


def class_scores(
    output: Outputs, target: Targets
) -> tuple[Float[Tensor, "*position class"], Int[Tensor, "*position"]]:
    """Find the axis of classes, which is the one that the targets do not have.

    A single score is the logit of class 1 of two, whose other logit is 0.

    Args:
        output: what the model returned: scores `[sample, class]`, one score `[sample]` or `[sample,
            1]`, or by position `[sample, position.., class]` or `[sample, class, position..]`.
        target: numbers of classes, `[sample]`, `[sample, 1]` or `[sample, position..]`.

    Returns:
        The scores, and the targets as integers; positions on one axis, if there are any.

    Raises:
        ConfigError: if the shapes or types do not fit, with both.
    """
    scores = scores_of(output)
    if not isinstance(target, Tensor):
        given = "none" if target == () else type(target).__name__
        raise ConfigError(f"Expected the class of each sample as target, got {given}. {REMEDY}")
    shape, classes = tuple(scores.shape), tuple(target.shape)
    if len(shape) < 3 and classes[1:] == (1,):
        target, classes = target[:, 0], classes[:1]
    if shape == (*classes, 1) or (shape == classes and len(shape) == 1):
        logit = scores.reshape(classes)
        scores, axes = torch.stack([torch.zeros_like(logit), logit], -1), [len(classes)]
        target = target.long()
    else:
        axes = [a for a in range(1, len(shape)) if shape[:a] + shape[a + 1 :] == classes]
    if len(axes) != 1 or target.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8):
        raise ConfigError(
            "Expected numbers of classes as targets, of the shape of the output less its axis of"
            f" classes, got {target.dtype} of shape {classes} with an output of shape {shape}"
            f"{' (two axes can be that of the classes)' if len(axes) > 1 else ''}. {REMEDY}"
        )
    scores, target = scores.movedim(axes[0], -1), target.long()
    return (scores, target) if len(classes) < 2 else (scores.flatten(1, -2), target.flatten(1))


def check_classes(output: Outputs, target: Targets, first: int) -> None:
    """Refuse targets that no score belongs to.

    Args:
        output: what the model returned.
        target: its targets.
        first: number of the first of these samples, for the message.

    Raises:
        ConfigError: if the shapes do not fit, or naming the first sample whose target is no class.
    """
    scores, classes = class_scores(output, target)
    number = scores.shape[-1]
    outside = ((classes < 0) | (classes >= number)) & (classes != IGNORED)
    outside |= classes != target.reshape(classes.shape)  # 0.5 is not a class
    rows = outside.reshape(len(classes), -1).any(1).nonzero()
    if len(rows):
        row = int(rows[0])
        raise ConfigError(
            f"Expected targets from 0 to {number - 1}, got {target[row].tolist()} for sample"
            f" {first + row}, with an output of shape {tuple(scores_of(output).shape)}. Correct"
            f" them. If they are no classes: {REMEDY[0].lower()}{REMEDY[1:]}"
        )


def check_all_classes(
    forward: Callable[[Inputs, Targets], Outputs], x: Inputs, y: Targets, block: int
) -> None:
    """Refuse targets of many samples that no score belongs to (`ConfigError`).

    Args:
        forward: `(x, y) -> model output`.
        x: inputs.
        y: their targets.
        block: samples per forward pass.
    """
    for first in range(0, batch_size(x), block):
        rows, targets = (rows_of(tree, first, first + block) for tree in (x, y))
        check_classes(forward(rows, targets), collated(targets), first)
