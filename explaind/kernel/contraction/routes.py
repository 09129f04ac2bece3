"""Which route to the influence of a batch costs least, layer by layer (mathematics, section 5).

Three routes lead to `<psi_q, grad l_i>` for all queries `q` and samples `i` of a batch:

- **a, gradients**: form every sample's gradient, then one matrix product with the adjoint;
- **b, linearised**: linearise the losses of the batch once, then one derivative along each query's
  adjoint; for parameters that no layer rule reads, and few queries;
- **c, contracted**: contract adjoint, layer input and output gradient in turn; no gradient is
  formed.

Parameters that no layer rule reads have their gradients formed by `vmap` in route a.
"""

from collections.abc import Iterable
from typing import Literal

from explaind.kernel.gradients import Work

Route = Literal["gradients", "linearised", "contracted"]

OPERATIONS_PER_NUMBER_MOVED = 20
"""Operations of a matrix product in the time in which one number is written and read once."""

VMAP_PASSES = 7.0
"""Time of `vmap(grad)` in batched forward-backward passes (section 5: 0.77 s / 0.105 s)."""

DERIVATIVE_PASSES = 2.2
"""Time of one derivative along an adjoint in such passes (there: 2.3 s / 10 / 0.105 s)."""


def layer_costs(works: Iterable[Work], queries: int) -> dict[Route, float]:
    """Operations per sample of the routes to one recognised tensor.

    Args:
        works: work of each of its uses.
        queries: number of queries.

    Returns:
        Cost by route; routes that do not exist are left out.
    """
    uses = list(works)
    moved = OPERATIONS_PER_NUMBER_MOVED
    size = max((use.gradient for use in uses), default=0)
    formed = sum(use.forming + 2 * moved * use.gradient for use in uses)
    costs: dict[Route, float] = {"gradients": formed + 2.0 * queries * size}
    if all(use.contracting is not None for use in uses):
        costs["contracted"] = float(
            queries * sum((use.contracting or 0) + 2 * moved * use.between for use in uses)
        )
    return costs


def general_costs(queries: int, components: int) -> dict[Route, float]:
    """Forward-backward passes of the routes to all tensors that no layer rule reads.

    Args:
        queries: number of queries.
        components: number of components those tensors belong to; each needs its own derivative.

    Returns:
        Cost by route.
    """
    return {"gradients": VMAP_PASSES, "linearised": DERIVATIVE_PASSES * queries * components}


def cheapest(costs: dict[Route, float], wanted: Route | None = None) -> Route:
    """The cheapest route, or the wanted one where it exists."""
    if wanted in costs:
        return wanted
    return min(costs, key=lambda route: costs[route])
