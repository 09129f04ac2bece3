"""The route to the influence through each tensor, by the cost model of `kernel.contraction`."""

from explaind.kernel.contraction.routes import Route, cheapest, fallback_costs, layer_costs
from explaind.plan.sizes import Layer, Sizes


def choose_routes(sizes: Sizes, queries: int) -> dict[str, Route]:
    """The route of each trained tensor.

    Args:
        sizes: the sizes.
        queries: queries of a block.

    Returns:
        Route by tensor.
    """
    components = {layer.component for layer in without_rule(sizes)}
    rest = cheapest(fallback_costs(queries, len(components), sizes.batched))
    return {
        layer.name: rest if layer.fallback else cheapest(layer_costs(layer.works, queries))
        for layer in sizes.layers
    }


def route_flops(sizes: Sizes, queries: int) -> float:
    """Operations for one training sample, all layers by their routes.

    Args:
        sizes: the sizes.
        queries: queries of a block.

    Returns:
        Number of operations.
    """
    flops = sum(
        min(layer_costs(layer.works, queries).values())
        for layer in sizes.layers
        if not layer.fallback
    )
    rest = without_rule(sizes)
    if rest:
        components = len({layer.component for layer in rest})
        costs = fallback_costs(queries, components, sizes.batched)
        flops += min(costs.values()) * 3 * sizes.forward_flops
        flops += 2.0 * queries * sum(layer.parameters for layer in rest)
    return flops


def without_rule(sizes: Sizes) -> list[Layer]:
    """Return the tensors that no layer rule reads."""
    return [layer for layer in sizes.layers if layer.fallback]
