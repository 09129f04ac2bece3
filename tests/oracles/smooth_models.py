"""Small smooth networks, each with something in it that attribution can trip over."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

FEATURES, CLASSES = 4, 3
VOCABULARY, POSITIONS = 6, 3


class Mlp(nn.Module):
    """Two hidden tanh layers."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.first = nn.Linear(FEATURES, 6)
        self.second = nn.Linear(6, 5)
        self.last = nn.Linear(5, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.second(torch.tanh(self.first(x)))))


class BufferBeforeParameter(Mlp):
    """Float and integer buffers registered before every parameter; both are used."""

    def __init__(self) -> None:
        super().__init__()
        layers = dict(self._modules)
        self._modules.clear()
        scaling = nn.Module()
        scaling.register_buffer("scale", torch.linspace(0.5, 1.5, FEATURES))
        scaling.register_buffer("shift", torch.tensor(1))
        self.scaling = scaling
        self._modules.update(layers)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * self.scaling.scale + self.scaling.shift)


class TiedWeights(nn.Module):
    """Tokens; the embedding is the decoder as well."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 5)
        self.hidden = nn.Linear(5, 5)
        self.decoder = nn.Linear(5, VOCABULARY, bias=False)
        self.decoder.weight = self.embedding.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(F.gelu(self.hidden(self.embedding(x)))).mean(1)


class SmoothTransformer(nn.Module):
    """Attention with one projection for query, key and value; a bare parameter; LayerNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4)
        self.positions = nn.Parameter(0.3 * torch.randn(POSITIONS, 4))
        self.projection = nn.Linear(4, 3, bias=False)
        self.back = nn.Linear(3, 4, bias=False)
        self.norm = nn.LayerNorm(4)
        self.decoder = nn.Linear(4, VOCABULARY)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embedding(x) + self.positions
        shared = self.projection(tokens)
        attention = torch.softmax(shared @ shared.transpose(1, 2), dim=-1)
        return F.log_softmax(
            self.decoder(F.gelu(self.norm(self.back(attention @ shared))))[:, -1], dim=-1
        )


class SequenceFirst(nn.Module):
    """The features as a sequence along the first axis, whose length may be that of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(1, 5)
        self.last = nn.Linear(5, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.first(x.T[..., None])).square().mean(0))


class LayerOfPositions(nn.Module):
    """A linear layer of something that belongs to no sample, with as many rows as features."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(FEATURES, 3))
        self.first = nn.Linear(3, FEATURES)
        self.last = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(x * torch.tanh(self.first(self.positions)).mean(0)))


class UsedInManyWays(nn.Module):
    """One tensor as embedding, as decoder and by plain indexing; another with its own bias."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4, padding_idx=0)
        self.hidden = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embedding(x) + self.embedding.weight[x.flip(1)]
        hidden = torch.tanh(self.hidden(tokens) + self.hidden.bias)
        return F.linear(hidden.mean(1), self.embedding.weight)


class SmoothConvolution(nn.Module):
    """Strided, padded and grouped convolutions, GroupNorm, SiLU, average pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)
        self.second = nn.Conv2d(4, 4, 3, stride=2, groups=2, bias=False)
        self.last = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.silu(self.norm(self.first(x)))
        return self.last(F.silu(self.second(hidden)).mean((2, 3)))
