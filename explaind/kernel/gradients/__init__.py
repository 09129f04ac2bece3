"""How a layer uses its parameters: per-sample gradients and their contraction, by kind of use.

One kind per module. Every kind knows, from one batched backward pass, the gradient of each sample
(route a of mathematics, section 5) and, where it pays, the product of that gradient with the
adjoint without forming it (route c).
"""

from explaind.kernel.gradients.convolution import ConvolutionUse
from explaind.kernel.gradients.elementwise import BroadcastUse
from explaind.kernel.gradients.embedding import TableUse
from explaind.kernel.gradients.linear import LinearUse
from explaind.kernel.gradients.work import Work

Use = LinearUse | ConvolutionUse | TableUse | BroadcastUse

__all__ = ["BroadcastUse", "ConvolutionUse", "LinearUse", "TableUse", "Use", "Work"]
