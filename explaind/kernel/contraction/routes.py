"""Which route to the influence of a batch costs least, layer by layer (mathematics, section 5).

Three routes lead to `<psi_q, grad l_i>` for all queries `q` and samples `i` of a batch:

- **gradients**: materialise every sample's gradient, then one matrix product with the adjoint;
- **linearised**: linearise the losses of the batch once, then one derivative (JVP) along each
  query's adjoint; for parameters without a layer rule, and few queries;
- **contracted**: contract adjoint, layer input and output gradient in turn, with no gradient
  materialised: the ghost dot product, as ghost clipping takes it for norms.

Parameters without a layer rule have their gradients materialised by `vmap`, the fallback; where
torch cannot batch the model, by one autograd call per sample, and this is their only route.
"""

from collections.abc import Iterable
from typing import Literal

from explaind.kernel.gradients.rule import Work

Route = Literal["gradients", "linearised", "contracted"]

OPERATIONS_PER_NUMBER_MOVED = 20
"""Operations of a matrix product in the time in which one number is written and read once."""

VMAP_PASSES = 7.0
"""Time of `vmap(grad)` in batched forward-backward passes (section 5: 0.77 s / 0.105 s)."""

DERIVATIVE_PASSES = 2.2
"""Time of one derivative along an adjoint in such passes (there: 2.3 s / 10 / 0.105 s)."""


def layer_costs(works: Iterable[Work], queries: int) -> dict[Route, float]:
    """Operations per sample of the routes to one tensor with a layer rule.

    Args:
        works: work of each of its calls.
        queries: number of queries.

    Returns:
        Cost by route; routes that do not exist are left out.
    """
    calls = list(works)
    moved = OPERATIONS_PER_NUMBER_MOVED
    size = max((call.gradient for call in calls), default=0)
    formed = sum(call.forming + 2 * moved * call.gradient for call in calls)
    costs: dict[Route, float] = {"gradients": formed + 2.0 * queries * size}
    if all(call.contracting is not None for call in calls):
        costs["contracted"] = float(
            queries
            * sum((call.contracting or 0) + call.moves * moved * call.between for call in calls)
        )
    return costs


def fallback_costs(queries: int, components: int, batched: bool) -> dict[Route, float]:
    """Forward-backward passes of the routes to all tensors without a layer rule.

    Args:
        queries: number of queries.
        components: number of components those tensors belong to; each needs its own derivative.
        batched: whether torch can batch the model. If not, the one pass stands for the operations;
            the time of calling torch for every sample comes on top.

    Returns:
        Cost by route.
    """
    if not batched:
        return {"gradients": 1.0}
    return {"gradients": VMAP_PASSES, "linearised": DERIVATIVE_PASSES * queries * components}


def cheapest(costs: dict[Route, float], wanted: Route | None = None) -> Route:
    """Return the cheapest route, or the wanted one where it exists."""
    if wanted in costs:
        return wanted
    return min(costs, key=lambda route: costs[route])
