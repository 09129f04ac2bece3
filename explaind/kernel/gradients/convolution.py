"""Convolutions and transposed ones: outer products of pixels and the patches they see."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from explaind.kernel.gradients.linear import Factors, OuterProductRule

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

    def factors(self, delta: Float[Tensor, "output batch *rest"], rows: slice) -> Factors:
        """Return the factors; the places are the output pixels."""
        delta, x = delta[:, rows], self.x[rows]
        outputs, samples, channels = delta.shape[:3]
        left = delta.reshape(outputs, samples, self.groups, channels // self.groups, -1)
        image = x[:, :, None] if x.dim() == 3 else x
        patches = functional.unfold(image, self.kernel, self.dilation, self.padding, self.stride)
        right = patches.view(samples, self.groups, -1, patches.shape[-1])
        return Factors(left.transpose(3, 4), right.transpose(2, 3))


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

    def factors(self, delta: Float[Tensor, "output batch *rest"], rows: slice) -> Factors:
        """Return the factors; the places are the input pixels."""
        delta, x = delta[:, rows], self.x[rows]
        image = delta.flatten(0, 1)
        image = image[:, :, None] if image.dim() == 3 else image
        patches = functional.unfold(image, self.kernel, self.dilation, self.padding, self.stride)
        left = patches.view(*delta.shape[:2], 1, *patches.shape[1:])
        return Factors(left.transpose(3, 4), x.flatten(2)[:, None].transpose(2, 3))
