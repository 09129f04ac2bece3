"""Convolutions and transposed ones: outer products of pixels and the patches they see."""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from explaind.kernel.gradients.linear import OuterProductRule, Sizes

Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class ConvolutionRule(OuterProductRule):
    """A two-dimensional convolution, or a one-dimensional one as an image of height 1.

    Attributes:
        kernel: size of the kernel.
        stride: stride.
        padding: zeros added on both sides.
        dilation: distance of the kernel's points.
        groups: number of channel groups.
    """

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    def left(
        self, delta: Float[Tensor, "output batch *rest"], rows: slice
    ) -> Float[Tensor, "output rows group place out"]:
        """Return the output gradients; the places are the output pixels."""
        delta = delta[:, rows]
        outputs, samples, channels = delta.shape[:3]
        grouped = delta.reshape(outputs, samples, self.groups, channels // self.groups, -1)
        return grouped.transpose(3, 4)

    def right(self, rows: slice) -> Float[Tensor, "rows group place in"]:
        """Return the patches that the output pixels see."""
        x = self.x[rows]
        image = x[:, :, None] if x.dim() == 3 else x
        patches = functional.unfold(image, self.kernel, self.dilation, self.padding, self.stride)
        grouped = patches.view(len(x), self.groups, -1, patches.shape[-1])
        return grouped.transpose(2, 3)

    def sizes(self, delta: Float[Tensor, "output batch *rest"]) -> Sizes:
        """Return the sizes of the factors of one sample."""
        out, channels = delta.shape[2] // self.groups, self.x.shape[1] // self.groups
        inputs = channels * math.prod(self.kernel)
        return Sizes(self.groups, math.prod(delta.shape[3:]), out, inputs)


@dataclass(frozen=True, kw_only=True)
class TransposedConvolutionRule(OuterProductRule):
    """A transposed convolution of one or two dimensions, `y = conv_transpose(x, W)`.

    It is the gradient of a convolution, so inputs and output gradients change sides: the places are
    the input pixels, and each sees a patch of the output gradient.

    Attributes:
        kernel: size of the kernel.
        stride: stride.
        padding: pixels cut off on both sides.
        dilation: distance of the kernel's points.
    """

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    def left(
        self, delta: Float[Tensor, "output batch *rest"], rows: slice
    ) -> Float[Tensor, "output rows 1 place out"]:
        """Return the patches of the output gradients that the input pixels see."""
        delta = delta[:, rows]
        image = delta.flatten(0, 1)
        image = image[:, :, None] if image.dim() == 3 else image
        patches = functional.unfold(image, self.kernel, self.dilation, self.padding, self.stride)
        return patches.view(*delta.shape[:2], 1, *patches.shape[1:]).transpose(3, 4)

    def right(self, rows: slice) -> Float[Tensor, "rows 1 place in"]:
        """Return the layer inputs; the places are the input pixels."""
        return self.x[rows].flatten(2)[:, None].transpose(2, 3)

    def sizes(self, delta: Float[Tensor, "output batch *rest"]) -> Sizes:
        """Return the sizes of the factors of one sample."""
        out = delta.shape[2] * math.prod(self.kernel)
        return Sizes(1, math.prod(self.x.shape[2:]), out, self.x.shape[1])
