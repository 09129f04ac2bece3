"""Draw the page of an experiment."""

from explaind.config.schema import Config
from explaind.paths import Paths


def draw_page(config: Config, paths: Paths, name: str) -> None:
    """Write a page and its tables.

    Args:
        config: the whole config.
        paths: where things lie.
        name: name of the entry of `experiments`.

    Raises:
        NotImplementedError: always; the pages are written on another branch.
    """
    raise NotImplementedError
