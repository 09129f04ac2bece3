"""An encoder together with the head that it is trained with."""

from jaxtyping import Float
from torch import Tensor, nn


class EncoderNetwork(nn.Module):
    """An encoder and a head behind it: a decoder, or a linear layer that tells classes apart.

    What is explained is `encoder` alone; the head is there for the training.

    Args:
        encoder: inputs `[batch, ...]` to representations `[batch, latent]`.
        head: representations to outputs.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """Return the outputs of the head, of the shape of the inputs or `[batch, class]`."""
        output: Tensor = self.head(self.encoder(x))
        return output
