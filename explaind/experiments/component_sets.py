"""Sets of components as experiments take them from the config, and what a set is called."""

from collections.abc import Collection, Sequence
from typing import Annotated

from pydantic import AfterValidator

from explaind.config.base import canonical

ComponentSet = Annotated[tuple[str, ...], AfterValidator(canonical)]
"""Names of components; their order means nothing."""

NONE, ALL = "nothing", "all components"


def set_name(chosen: Collection[str], components: Sequence[str]) -> str:
    """Name a set of components by what is in it, or by the one that is missing.

    Names of what is not a component are left out; who uses the set refuses them.

    Args:
        chosen: the set.
        components: all components of the network, in their order.

    Returns:
        E.g. "embedding + decoder", "all but decoder", or `NONE` or `ALL`.
    """
    inside = [name for name in components if name in chosen]
    outside = [name for name in components if name not in chosen]
    if not inside:
        return NONE
    if not outside:
        return ALL
    if len(outside) == 1 < len(inside):
        return f"all but {outside[0]}"
    return " + ".join(inside)
