"""Pictures in cells."""

import base64
import re
from io import BytesIO

import numpy as np
from PIL import Image

from explaind.report.pictures import importance_picture, picture


def pixels(html):
    data = re.search(r"base64,([^\"]+)", html).group(1)
    return np.asarray(Image.open(BytesIO(base64.b64decode(data))))


def test_large_importance_is_dark():
    html = importance_picture(np.array([[0.0, 1.0], [2.0, 4.0]]), 2.0, "a map")
    assert pixels(html).tolist() == [[255, 128], [0, 0]]
    assert 'alt="a map"' in html


def test_a_map_of_nothing_is_white():
    assert (pixels(importance_picture(np.zeros((2, 2)), 0.0, "empty")) == 255).all()


def test_text_is_escaped():
    assert "&lt;b&gt;" in picture(np.zeros((1, 2, 2)), "image", "<b>")
