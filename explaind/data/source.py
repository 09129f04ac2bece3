"""Images as their source has them, before classes and samples are chosen."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped


@dataclass(frozen=True)
class ImageSource:
    """Labelled images in two parts.

    Attributes:
        x_train: training images; uint8, or floating numbers that are taken as they are.
        y_train: their classes, from 0.
        x_test: test images.
        y_test: their classes.
        index_train: position of each training image in the original data.
        index_test: position of each test image in the original data.
        class_names: name of each class.
        provenance: where the images come from, for people.
    """

    x_train: Shaped[np.ndarray, "train row column channel"]
    y_train: Int[np.ndarray, " train"]
    x_test: Shaped[np.ndarray, "test row column channel"]
    y_test: Int[np.ndarray, " test"]
    index_train: Int[np.ndarray, " train"]
    index_test: Int[np.ndarray, " test"]
    class_names: tuple[str, ...]
    provenance: str
