"""Training samples with flipped labels."""

import hashlib
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Int

from explaind.data.load import LoadedDataset


@dataclass(frozen=True)
class FlippedLabels:
    """A dataset of which some training labels are flipped.

    Attributes:
        data: the dataset with them.
        flipped: which training samples have a flipped label.
    """

    data: LoadedDataset
    flipped: Bool[np.ndarray, " train"]


def flip_labels(data: LoadedDataset, share: float, seed: int) -> FlippedLabels:
    """Give some training samples the label of another class; validation samples keep theirs.

    Args:
        data: the dataset.
        share: share of the training samples, their number rounded up.
        seed: seed of the choice of samples and of their new labels.

    Returns:
        The dataset with them.
    """
    labels = data.y_train.cpu().numpy()
    noisy, flipped = flipped_labels(labels, share, seed)
    checksum = hashlib.sha256(data.sha256.encode() + noisy.tobytes()).hexdigest()
    changed = replace(data, y_train=torch.from_numpy(noisy), sha256=checksum)
    return FlippedLabels(changed, flipped)


def flipped_labels(
    labels: Int[np.ndarray, " sample"], share: float, seed: int
) -> tuple[Int[np.ndarray, " sample"], Bool[np.ndarray, " sample"]]:
    """Replace some labels by one of the other classes, each as likely as the next.

    Args:
        labels: the true classes; those that occur are the classes there are.
        share: share of the samples, their number rounded up.
        seed: seed of the choice.

    Returns:
        The new labels, and where they differ from the true ones.
    """
    random = np.random.default_rng(seed)
    classes, number = np.unique(labels, return_inverse=True)
    chosen = random.choice(len(labels), math.ceil(share * len(labels)), replace=False)
    number[chosen] += random.integers(1, len(classes), len(chosen))
    noisy: np.ndarray = classes[number % len(classes)]
    return noisy, noisy != labels
