"""The order of the training samples, known without any state: a function of (seed, epoch)."""

from collections.abc import Collection, Iterator

import numpy as np
import torch
from torch import Tensor

from explaind.errors import ConfigError
from explaind.history.batches import Batch


def epoch_order(samples: int, seed: int, epoch: int, groups: int = 1) -> np.ndarray:
    """Permutation of the samples in one epoch.

    Args:
        samples: number of training samples.
        seed: seed of the run.
        epoch: the epoch, from 0.
        groups: number of groups that take turns, sample `i` being of group `i % groups`: as many
            samples in a row hold one of each.

    Returns:
        `[samples]` indices. The generator is keyed, not advanced, so any epoch can be had at any
        time.
    """
    generator = np.random.default_rng((seed, epoch))
    if groups == 1:
        return generator.permutation(samples)
    turns = np.stack([generator.permutation(samples // groups) for _ in range(groups)], axis=1)
    order: np.ndarray = (turns * groups + np.arange(groups)).ravel()
    return order


def batches_of_epoch(samples: int, size: int, *, drop_last: bool = False) -> int:
    """Return how many batches an epoch has.

    Args:
        samples: number of training samples.
        size: samples per batch.
        drop_last: whether a short batch at the end is left out.

    Returns:
        The number.

    Raises:
        ConfigError: if there is none.
    """
    count = samples // size if drop_last else -(-samples // size)
    if not count:
        raise ConfigError(
            f"batch_size: expected at most {samples}, the samples that are trained on, got {size}"
            " with drop_last; lower it"
        )
    return count


def batches_from(
    step: int,
    x: Tensor,
    y: Tensor,
    batch_size: int | None,
    seed: int,
    removed: Collection[int] = (),
    groups: int = 1,
    *,
    drop_last: bool = False,
) -> Iterator[Batch]:
    """Endless batches, epoch after epoch, from a given step on.

    Args:
        step: optimizer steps taken before.
        x: training inputs, sample first.
        y: training targets.
        batch_size: samples per batch; None = all. The last batch of an epoch may be short.
        seed: seed of the run.
        removed: samples that are taken out of the batches that they would be in; the others stay
            in theirs.
        groups: number of groups that take turns (`epoch_order`).
        drop_last: whether a short batch at the end of an epoch is left out.

    Yields:
        The batches with the index of each sample.

    Raises:
        ConfigError: if a batch has no samples left, naming its step, or no batch is full.
    """
    samples, gone = len(x), np.array(sorted(removed), dtype=np.int64)
    size = batch_size or samples
    per_epoch = batches_of_epoch(samples, size, drop_last=drop_last)
    while True:
        order = epoch_order(samples, seed, step // per_epoch, groups)
        for position in range(step % per_epoch, per_epoch):
            batch = order[position * size : (position + 1) * size]
            index = torch.from_numpy(batch[np.isin(batch, gone, invert=True)])
            if not len(index):
                raise ConfigError(
                    f"The batch of step {step} has no samples left of {len(batch)}. Remove fewer"
                    " samples, or choose a training.batch_size that leaves no short batch at the"
                    " end of an epoch."
                )
            yield Batch(x[index], y[index], index)
            step += 1
