"""Small encoders of every kind of input, seeded, in float64."""

import torch
from torch import nn


class LastState(nn.Module):
    """The last hidden state of an LSTM."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 3, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0][:, -1]


def images(norm=True):
    """6 x 6 pixels, with batch norm and dropout: both would mix or disturb in training mode."""
    torch.manual_seed(1)
    parts = [nn.Conv2d(1, 4, 3, padding=1), *([nn.BatchNorm2d(4)] if norm else []), nn.ReLU()]
    return nn.Sequential(*parts, nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 3)).double()


def series():
    torch.manual_seed(1)
    return LastState().double()


def rows():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()


ENCODERS = {
    "images": (images, (7, 1, 6, 6)),
    "series": (series, (7, 9, 1)),
    "rows": (rows, (7, 5)),
}


def make(kind):
    """An encoder and inputs for it, about half of an image black."""
    build, shape = ENCODERS[kind]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return build(), x.clamp(0) if kind == "images" else x
