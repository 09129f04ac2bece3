"""The gradient route of each layer, by the cost model of `kernel.routes`."""

from explaind.kernel.contraction.routes import Route, cheapest, general_costs, layer_costs
from explaind.plan.sizes import Layer, Sizes


def choose_routes(sizes: Sizes, queries: int) -> dict[str, Route]:
    """The route of each trained tensor.

    Args:
        sizes: the sizes.
        queries: queries of a pass.

    Returns:
        Route by tensor.
    """
    rest = cheapest(general_costs(queries, len({layer.component for layer in general(sizes)})))
    return {
        layer.name: rest if layer.general else cheapest(layer_costs(layer.works, queries))
        for layer in sizes.layers
    }


def route_flops(sizes: Sizes, queries: int) -> float:
    """Operations for one training sample, all layers by their routes."""
    found = sum(
        min(layer_costs(layer.works, queries).values())
        for layer in sizes.layers
        if not layer.general
    )
    rest = general(sizes)
    if rest:
        costs = general_costs(queries, len({layer.component for layer in rest}))
        found += min(costs.values()) * 3 * sizes.forward_flops
        found += 2.0 * queries * sum(layer.parameters for layer in rest)
    return found


def general(sizes: Sizes) -> list[Layer]:
    """Tensors that cannot be read from a backward pass."""
    return [layer for layer in sizes.layers if layer.general]
