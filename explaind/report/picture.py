"""Pictures inside a page: PNG files as data URIs, shown pixel by pixel."""

import base64
from html import escape
from io import BytesIO

import numpy as np
from jaxtyping import Shaped
from PIL import Image


def picture_uri(image: Shaped[np.ndarray, "channel row column"]) -> str:
    """Encode an image as a PNG data URI.

    Args:
        image: one channel (grey) or three (colour); uint8, or floating numbers, which are scaled so
            that the smallest is black and the largest white.
    """
    pixels = image if image.dtype == np.uint8 else _scaled(image)
    grey = len(pixels) == 1
    buffer = BytesIO()
    Image.fromarray(pixels[0] if grey else pixels.transpose(1, 2, 0)).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def picture_html(image: Shaped[np.ndarray, "channel row column"], name: str, *lines: str) -> str:
    """Return an image with lines of text below it.

    Args:
        image: the image, see `picture_uri`.
        name: what it shows, for readers who do not see it.
        lines: plain text.
    """
    text = "<br>".join(escape(line) for line in lines)
    return (
        f'<figure class="picture"><img src="{picture_uri(image)}" alt="{escape(name)}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _scaled(image: np.ndarray) -> np.ndarray:
    span = float(np.ptp(image)) or 1.0
    scaled: np.ndarray = np.rint(255 * (image - image.min()) / span).astype(np.uint8)
    return scaled
