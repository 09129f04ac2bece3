"""SimCLR (Chen et al., 2020, arXiv 2002.05709) on a ResNet-18 for small images, from scratch."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.models.encoders.network import EncoderNetwork

STAGES, BLOCKS = 4, 2


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions with batch norm, added to their input (He et al., 2016).

    Args:
        channels: channels of the input.
        out: channels of the output.
        stride: every which pixel is kept.
    """

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch out h2 w2"]:
        """Return `relu(shortcut(x) + residual(x))`."""
        return torch.relu(self.shortcut(x) + self.residual(x))


class ResNet18(nn.Sequential):
    """ResNet-18 whose first convolution is 3 x 3 and keeps all pixels, without its last layer.

    There is no max-pooling, as in the CIFAR variant of SimCLR. The representation has `8 width`
    numbers. With three channels and a width of 64 there are 11,168,832 parameters. Batch norm
    couples the images of a batch in training mode: explain it in evaluation mode.

    Args:
        channels: channels of an image.
        width: channels of the first layer; 64 in the paper.
    """

    def __init__(self, channels: int, width: int = 64) -> None:
        super().__init__(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            *_blocks(width),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class SimCLR(EncoderNetwork):
    """An encoder and the projector behind which views are compared.

    Args:
        encoder: images to representations.
        latent: numbers of a representation.
        hidden: units of the hidden layer of the projector.
        projected: numbers that it gives.
    """

    def __init__(
        self, encoder: nn.Module, latent: int, hidden: int = 2048, projected: int = 128
    ) -> None:
        projector = nn.Sequential(
            nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, projected)
        )
        super().__init__(encoder, projector)

    def forward(
        self, views: Float[Tensor, "image view channel row column"]
    ) -> Float[Tensor, "image view projected"]:
        """Return the projections of the views of every image."""
        projections: Tensor = super().forward(views.flatten(0, 1))
        return projections.view(*views.shape[:2], -1)


def _blocks(width: int) -> Iterator[BasicBlock]:
    channels = width
    for stage in range(STAGES):
        out = width * 2**stage
        for number in range(BLOCKS):
            yield BasicBlock(channels, out, stride=2 if stage and not number else 1)
            channels = out
