"""The gradient route of each layer (mathematics, section 5)."""

from explaind.kernel.plan.sizes import Sizes


def choose_routes(sizes: Sizes, queries: int) -> dict[str, str]:
    """The route of each trained tensor.

    Args:
        sizes: the sizes.
        queries: queries of a pass.

    Returns:
        Route by tensor: "gradients" = per-sample gradients and a matrix product.
    """
    del queries  # there is one route
    return {layer.name: "gradients" for layer in sizes.layers}
