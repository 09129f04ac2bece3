"""The handwritten digits that scikit-learn brings along; no download."""

import numpy as np

from explaind.data.images import ImageSource

GREY_LEVELS = 16
TRAIN_FRACTION = 0.8


def digits_source() -> ImageSource:
    """Return grey images of 8 x 8 pixels; the first four fifths of the file are for training."""
    import sklearn  # noqa: PLC0415 (takes a second, and other datasets do without)
    from sklearn.datasets import load_digits  # noqa: PLC0415

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / GREY_LEVELS)).astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int64)
    first = int(TRAIN_FRACTION * len(labels))
    index = np.arange(len(labels))
    return ImageSource(
        x_train=images[:first],
        y_train=labels[:first],
        x_test=images[first:],
        y_test=labels[first:],
        index_train=index[:first],
        index_test=index[first:],
        class_names=tuple(str(name) for name in bunch.target_names),
        provenance=f"scikit-learn {sklearn.__version__}, load_digits; grey levels 0..16 as 0..255",
    )
