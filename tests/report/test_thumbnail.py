"""The small picture of a run."""

import re

import numpy as np
import pandas as pd

from explaind.report.thumbnail import HEIGHT, MARGIN, WIDTH, thumbnail

STEPS = pd.DataFrame({"step": [0, 1, 2]})
ACCURACY = {"train_accuracy": [0.0, 0.5, 1.0], "validation_accuracy": [1.0, np.nan, 0.0]}
LOSS = {"train_loss": [1.0, 10.0, 100.0], "validation_loss": [100.0, 0.0, 1.0]}


def curves(html):
    """Points of each line, as shares of the width and of the height from below."""
    for text in re.findall(r'points="([^"]*)"', html):
        points = np.array([point.split(",") for point in text.split()], dtype=float)
        size = (WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN)
        yield np.abs([0, 1] - (points - MARGIN) / size).round(2)


def test_accuracy_is_drawn_from_none_to_all():
    html = thumbnail(STEPS.assign(**LOSS, **ACCURACY))
    train, validation = curves(html)
    np.testing.assert_array_equal(train, [[0, 0], [0.5, 0.5], [1, 1]])
    np.testing.assert_array_equal(validation, [[0, 1], [1, 0]])  # the missing one is left out
    assert 'aria-label="Accuracy of training and validation samples over 2 steps"' in html


def test_the_loss_is_drawn_where_there_is_no_accuracy():
    html = thumbnail(STEPS.assign(**LOSS))
    train, validation = curves(html)
    np.testing.assert_array_equal(train, [[0, 0], [0.5, 0.5], [1, 1]])  # logarithmic
    np.testing.assert_array_equal(validation, [[0, 1], [1, 0]])
    assert "Loss (log scale)" in html
