"""How a layer uses its parameters: per-sample gradients and their contraction, by kind of use.

One kind per module. Every kind knows, from one batched backward pass, the gradient of each sample
(route a of mathematics, section 5) and, where it pays, the product of that gradient with the
adjoint without forming it (route c).
"""

from explaind.kernel.uses.broadcast import BroadcastUse
from explaind.kernel.uses.convolution import ConvolutionUse
from explaind.kernel.uses.outer import LinearUse
from explaind.kernel.uses.table import TableUse
from explaind.kernel.uses.work import Work

Use = LinearUse | ConvolutionUse | TableUse | BroadcastUse

__all__ = ["BroadcastUse", "ConvolutionUse", "LinearUse", "TableUse", "Use", "Work"]
