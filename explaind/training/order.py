"""The order of the training samples, known without any state: a function of (seed, epoch)."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from explaind.history.batches import Batch


def epoch_order(samples: int, seed: int, epoch: int) -> np.ndarray:
    """Permutation of the samples in one epoch.

    Args:
        samples: number of training samples.
        seed: seed of the run.
        epoch: the epoch, from 0.

    Returns:
        `[samples]` indices. The generator is keyed, not advanced, so any epoch can be had at any
        time.
    """
    return np.random.default_rng((seed, epoch)).permutation(samples)


def batches_from(
    step: int, x: Tensor, y: Tensor, batch_size: int | None, seed: int
) -> Iterator[Batch]:
    """Endless batches, epoch after epoch, from a given step on.

    Args:
        step: optimizer steps taken before.
        x: training inputs, sample first.
        y: training targets.
        batch_size: samples per batch; None = all. The last batch of an epoch may be short.
        seed: seed of the run.

    Yields:
        The batches with the index of each sample.
    """
    samples = len(y)
    size = batch_size or samples
    per_epoch = -(-samples // size)
    while True:
        order = epoch_order(samples, seed, step // per_epoch)
        for position in range(step % per_epoch, per_epoch):
            index = torch.from_numpy(order[position * size : (position + 1) * size])
            yield Batch(x[index], y[index], index)
            step += 1
