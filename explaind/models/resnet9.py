"""The ResNet-9 for small images of the ExPLAIND paper (arXiv 2505.20076): no bias or batch norm."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class Residual(nn.Module):
    """Two 3 x 3 convolutions, each with a ReLU, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels, 3, padding=1)
        self.second = _convolution(channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
        """Return `x + relu(second(relu(first(x))))`."""
        return x + torch.relu(self.second(torch.relu(self.first(x))))


class ResNet9(nn.Module):
    """Convolutions and two residual blocks, the largest activation of each channel, a linear layer.

    With `w` the width, in channels: convolutions to `w` (3 x 3), `2w` (5 x 5, every second pixel),
    residual block, to `4w` (3 x 3), max-pooling by 2, residual block, to `2w` (3 x 3, unpadded),
    each with a ReLU; then the maximum over all pixels and a linear layer without bias. The
    paper has `w = 64`: 2,271,168 parameters for two classes and three input channels.

    Args:
        channels: channels of an image.
        classes: number of output classes.
        width: channels of the first layer.
        log_softmax: whether the outputs are log-probabilities; else they are logits.

    Attributes:
        output_unit: unit of the outputs, "1" of logits.
    """

    smallest_side: ClassVar[int] = 11
    """Pixels per side that are left with at least 3 for the unpadded convolution."""

    components: ClassVar[dict[str, str]] = {
        "conv1.weight": "conv1",
        "conv2.weight": "conv2",
        "residual1.first.weight": "residual1 first",
        "residual1.second.weight": "residual1 second",
        "conv3.weight": "conv3",
        "residual2.first.weight": "residual2 first",
        "residual2.second.weight": "residual2 second",
        "conv4.weight": "conv4",
        "linear.weight": "linear",
    }
    """Component of every parameter tensor."""

    def __init__(self, channels: int, classes: int, width: int, log_softmax: bool) -> None:
        super().__init__()
        self.log_softmax = log_softmax
        self.output_unit = "nat" if log_softmax else "1"
        self.conv1 = _convolution(channels, width, 3, padding=1)
        self.conv2 = _convolution(width, 2 * width, 5, stride=2, padding=2)
        self.residual1 = Residual(2 * width)
        self.conv3 = _convolution(2 * width, 4 * width, 3, padding=1)
        self.residual2 = Residual(4 * width)
        self.conv4 = _convolution(4 * width, 2 * width, 3)
        self.linear = nn.Linear(2 * width, classes, bias=False)

    def forward(
        self, images: Float[Tensor, "batch channel row column"]
    ) -> Float[Tensor, "batch class"]:
        """Log-probabilities of the classes, nat, or logits.

        Args:
            images: normalised images of at least `smallest_side` pixels per side.

        Returns:
            The outputs.
        """
        x = torch.relu(self.conv2(torch.relu(self.conv1(images))))
        x = torch.relu(self.conv3(self.residual1(x)))
        x = self.residual2(functional.max_pool2d(x, 2))
        x = torch.relu(self.conv4(x))
        output: Tensor = self.linear(functional.adaptive_max_pool2d(x, 1).flatten(1))
        return output.log_softmax(-1) if self.log_softmax else output


def _convolution(
    channels: int, out: int, size: int, *, stride: int = 1, padding: int = 0
) -> nn.Conv2d:
    return nn.Conv2d(channels, out, size, stride=stride, padding=padding, bias=False)
