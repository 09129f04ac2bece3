"""Small pictures in the cells of a table."""

import numpy as np
from jaxtyping import Shaped
from markupsafe import Markup

from explaind.report.html import picture_uri


def picture(image: Shaped[np.ndarray, "channel row column"], name: str, below: str = "") -> Markup:
    """Return a picture with a line below it.

    Args:
        image: what `picture_uri` takes.
        name: what is seen, for readers who do not see it.
        below: the line.

    Returns:
        HTML.
    """
    html = '<span class="picture"><img src="{}" alt="{}"><br>{}</span>'
    return Markup(html).format(picture_uri(image), name, below)


def importance_picture(maps: Shaped[np.ndarray, "row column"], largest: float, name: str) -> Markup:
    """Return a map of importance without sign, dark where it is large.

    Args:
        maps: the importance.
        largest: what is drawn black; 0 = all is white.
        name: what is seen.

    Returns:
        HTML.
    """
    share = maps / largest if largest else np.zeros_like(maps)
    return picture(np.rint(255 * (1 - share.clip(0, 1))).astype(np.uint8)[None], name)
