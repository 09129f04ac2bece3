"""The losses of a batch linearised once, then one derivative along each query's adjoint.

Two backward passes make a forward derivative: `G(v) = sum_i v_i grad l_i` is linear in `v`, so the
gradient of `<G(v), psi>` with respect to `v` is `<psi, grad l_i>` for every sample at once. No
per-sample gradient is formed and nothing has to be batched by `vmap`.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from explaind.history.layout import ParameterLayout
from explaind.kernel.gradients.per_sample import Function
from explaind.trees import Inputs, Targets


class LinearisedBatch:
    """The losses of a batch, linearised at some parameters.

    Args:
        function: per-sample losses as a function of the parameters.
        layout: the parameter layout.
        names: tensors to differentiate by.
        theta: parameters at which to linearise.
        x: inputs, batch first.
        y: targets, batch first.
        weight: factor of the losses.
    """

    def __init__(
        self,
        function: Function,
        layout: ParameterLayout,
        names: frozenset[str],
        theta: Float[Tensor, " param"],
        x: Inputs,
        y: Targets,
        weight: float,
    ) -> None:
        params: Mapping[str, Tensor] = layout.unflatten(theta)
        leaves = {name: params[name].detach().clone().requires_grad_(True) for name in names}
        # the fused attention kernels have no second derivative
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            h = function({**params, **leaves}, x, y)
            self._v = torch.full_like(h, weight, requires_grad=True)
            order = [slot for slot in layout.slots if slot.name in names]
            gradients = torch.autograd.grad(
                h,
                [leaves[slot.name] for slot in order],
                self._v,
                create_graph=True,
                materialize_grads=True,
            )
        self._gradients = {slot.name: g for slot, g in zip(order, gradients, strict=True)}
        self._weight = weight

    def along(self, directions: Mapping[str, Float[Tensor, "..."]]) -> Float[Tensor, "batch ..."]:
        """Contract the adjoint of one query with the gradients of all samples.

        Args:
            directions: the adjoint of one query, by tensor; tensors left out count as zero.

        Returns:
            `weight <psi, grad l_i>` for every sample, or for each of its parts if the function
            returns several.
        """
        with torch.enable_grad():
            products = [(self._gradients[name] * psi).sum() for name, psi in directions.items()]
            product = torch.stack(products).sum()
            if not product.requires_grad:  # the losses depend on none of these tensors
                return torch.zeros_like(self._v)
            (derivative,) = torch.autograd.grad(
                product, self._v, retain_graph=True, materialize_grads=True
            )
        return self._weight * derivative
