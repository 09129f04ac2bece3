"""The LSTM autoencoder of the label-free study for series (ECG5000).

That of Label-Free XAI (arXiv 2203.01928) and its reproduction.
"""

from jaxtyping import Float
from torch import Tensor, nn


class RecurrentEncoder(nn.Module):
    """Two LSTM layers; the last hidden state of the second one represents the series.

    Args:
        channels: numbers per time step.
        latent: numbers that represent a series; 64 with one channel are 116,736 parameters.
    """

    def __init__(self, channels: int, latent: int) -> None:
        super().__init__()
        self.first = nn.LSTM(channels, 2 * latent, batch_first=True)
        self.second = nn.LSTM(2 * latent, latent, batch_first=True)

    def forward(self, series: Float[Tensor, "batch time channel"]) -> Float[Tensor, "batch latent"]:
        """Return the representations."""
        states: Tensor = self.second(self.first(series)[0])[0]
        return states[:, -1]


class RecurrentDecoder(nn.Module):
    """The representation at every time step, two LSTM layers and a linear layer.

    Args:
        length: time steps of a series.
        channels: numbers per time step.
        latent: numbers that represent a series; 64 with one channel are 132,737 parameters.
    """

    def __init__(self, length: int, channels: int, latent: int) -> None:
        super().__init__()
        self.length = length
        self.first = nn.LSTM(latent, latent, batch_first=True)
        self.second = nn.LSTM(latent, 2 * latent, batch_first=True)
        self.linear = nn.Linear(2 * latent, channels)

    def forward(self, codes: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch time channel"]:
        """Return the reconstructed series."""
        repeated = codes[:, None].expand(-1, self.length, -1)
        series: Tensor = self.linear(self.second(self.first(repeated)[0])[0])
        return series
