"""Augmentation that can be repeated: a function of (seed, epoch, sample), not of a state."""

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from explaind.config.training import Training


class RandomHorizontalFlip:
    """Mirrors every image in half of the epochs, left to right.

    Whether a sample is mirrored is a bit of the counter-based generator Philox with the key (seed,
    epoch) and the sample as counter. So any batch can be made again from its step and the indices
    of its samples, and no inputs have to be stored.

    Args:
        seed: seed of the run.
        batches_per_epoch: steps of an epoch.
    """

    def __init__(self, seed: int, batches_per_epoch: int) -> None:
        self._seed, self._batches_per_epoch = seed, batches_per_epoch

    def __call__(self, x: Tensor, index: Int[Tensor, " batch"], step: int) -> Tensor:
        """The images as a step sees them.

        Args:
            x: images, the batch first and the columns last.
            index: dataset index of each image.
            step: optimizer steps taken before.

        Returns:
            The images, some of them mirrored.
        """
        mirrored = self.mirrored(index, step // self._batches_per_epoch).to(x.device)
        return torch.where(mirrored.view(-1, *[1] * (x.dim() - 1)), x.flip(-1), x)

    def mirrored(self, index: Int[Tensor, " batch"], epoch: int) -> Bool[Tensor, " batch"]:
        """Return which samples are mirrored in an epoch, on the CPU."""
        samples = index.cpu().numpy()
        generator = np.random.Philox(key=np.array([self._seed, epoch], dtype=np.uint64))
        words = generator.random_raw(int(samples.max()) + 1)  # word i depends on key and i only
        return torch.from_numpy(words[samples] >> np.uint64(63) == 1)


def build_augmentation(settings: Training, samples: int) -> RandomHorizontalFlip | None:
    """Build the augmentation of a run.

    Args:
        settings: the training section of the run.
        samples: number of training samples.

    Returns:
        The augmentation; None if there is none.
    """
    if settings.augmentation is None:
        return None
    return RandomHorizontalFlip(settings.seed, settings.batches_per_epoch(samples))
