"""Layers and calls that a model may be made of, each small, and where their gradients come from.

One list: tests try each, the generated cases combine them, and the documented table names them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint

PLACES, WIDTH, VOCABULARY = 3, 4, 6
BY_RULE, BY_VMAP, ONE_BY_ONE = "layer rule", "`vmap`", "one autograd call per sample"
MIXES, KEEPS = "mixes the samples", "changed before step|keeps a state"
DRAWN_AGAIN = "its random numbers drawn again"


@dataclass(frozen=True)
class Kind:
    """A kind of layer.

    Attributes:
        make: makes a module, `[batch, place, feature]` to the same shape, or token numbers
            `[batch, place]` to vectors.
        way: where the gradients come from, if they can be had.
        refused: what the refusal says, if it is refused.
        dense: whether its gradients are dense, as most optimizers want them.
        random: whether it draws random numbers.
    """

    make: Callable[[], nn.Module]
    way: str = BY_RULE
    refused: str = ""
    dense: bool = True
    random: bool = False


def random(make: Callable[[], nn.Module]) -> Kind:
    """A layer that draws random numbers in training mode."""
    return Kind(make, DRAWN_AGAIN, random=True)


class Called(nn.Module):
    """A layer, called in some way."""

    def __init__(
        self, layer: nn.Module, call: Callable[[nn.Module, Tensor], Tensor] = lambda m, x: m(x)
    ) -> None:
        super().__init__()
        self.layer, self.call = layer, call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self.layer, x)


class Weight(nn.Module):
    """A bare parameter, used in some way."""

    def __init__(self, *shape: int, call: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.weight, self.call = nn.Parameter(0.5 * torch.randn(*shape)), call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self.weight, x)


class OwnProduct(torch.autograd.Function):
    """A product element by element, made in numpy as a kernel of one's own would be."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return torch.from_numpy(x.detach().numpy() * weight.detach().numpy())

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        g, a, w = (t.detach().numpy() for t in (gradient, x, weight))
        return torch.from_numpy(g * w), torch.from_numpy((g * a).sum((0, 1)))


class Counting(nn.Linear):
    """A layer that counts its calls in a buffer."""

    def __init__(self) -> None:
        super().__init__(WIDTH, WIDTH)
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x)


def rows(call: Callable[[nn.Module, Tensor], Tensor]) -> Callable[[nn.Module, Tensor], Tensor]:
    """Call a layer on images of one channel, a row for each place."""
    return lambda layer, x: call(layer, x[:, None])[:, 0]


def first(layer: nn.Module, x: Tensor) -> Tensor:
    """Return the first of what a layer returns."""
    return layer(x)[0]


def unrolled(cell: nn.Module, x: Tensor) -> Tensor:
    """Call a cell place by place."""
    state, found = None, []
    for place in x.unbind(1):
        state = cell(place, state)
        found.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(found, 1)


def masked_attention(layer: nn.Module, x: Tensor) -> Tensor:
    """Attend to all places but the second."""
    hidden = torch.zeros(x.shape[:2], dtype=torch.bool).index_fill(1, torch.tensor([1]), True)
    return layer(x, x, x, key_padding_mask=hidden, need_weights=False)[0]


def causal_attention(layer: nn.Module, x: Tensor) -> Tensor:
    """Attend to the places before, by a mask of minus infinity."""
    q, k, v = layer(x).chunk(3, -1)
    mask = torch.full((PLACES, PLACES), -torch.inf, dtype=x.dtype).triu(1)
    return torch.softmax(q @ k.transpose(1, 2) + mask, -1) @ v


def sdpa(layer: nn.Module, x: Tensor, dropout: float = 0.0) -> Tensor:
    """Attend by torch's own function."""
    q, k, v = layer(x).chunk(3, -1)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout)


def packed(layer: nn.Module, x: Tensor) -> Tensor:
    """Call a recurrent layer on packed sequences."""
    sequences = pack_padded_sequence(x, torch.tensor([PLACES] * len(x)), batch_first=True)
    return pad_packed_sequence(layer(sequences)[0], batch_first=True)[0]


def checkpointed(layer: nn.Module, x: Tensor) -> Tensor:
    """Compute the activations again in the backward pass."""
    return checkpoint(lambda z: torch.tanh(layer(z)), x, use_reentrant=False)


def branching(layer: nn.Module, x: Tensor) -> Tensor:
    """Control flow that depends on values."""
    return torch.cat([layer(row[None]) if row.sum() > 0 else -layer(row[None]) for row in x])


def in_place(layer: nn.Module, x: Tensor) -> Tensor:
    """Write into a tensor, row by row."""
    total = torch.zeros(len(x), PLACES, WIDTH, dtype=x.dtype)
    for number, row in enumerate(x):
        total[number] = layer(row)
    return total


def routed(experts: nn.Module, x: Tensor) -> Tensor:
    """Two experts, weighed by a third layer."""
    gate = torch.softmax(experts[2](x)[..., :2], -1)
    return gate[..., :1] * experts[0](x) + gate[..., 1:] * experts[1](x)


def generated(layers: nn.Module, x: Tensor) -> Tensor:
    """Weights made by another layer."""
    weight = torch.tanh(layers[0](x.mean(1))).unflatten(1, (2, 2))
    return (x.unflatten(2, (2, 2)) @ weight[:, None]).flatten(2)


def low_rank(layers: nn.Module, x: Tensor) -> Tensor:
    """A frozen layer and a change of low rank, as LoRA has it."""
    return layers[0](x) + 2.0 * layers[2](layers[1](x))


def evaluated(layer: nn.Module) -> nn.Module:
    """A layer in evaluation mode with statistics of its own."""
    layer.running_mean.uniform_(-0.5, 0.5)
    layer.running_var.uniform_(0.5, 2.0)
    return layer.eval()


def linear(bias: bool = True, outputs: int = WIDTH) -> nn.Linear:
    """A linear layer of the features of a place."""
    return nn.Linear(WIDTH, outputs, bias=bias)


def experts(*layers: nn.Module) -> nn.ModuleList:
    """Layers in a list."""
    return nn.ModuleList(layers or [linear(), linear(), linear()])


LAYERS = {
    "`nn.Linear`": Kind(linear),
    "`nn.Linear` without bias, called twice": Kind(
        lambda: Called(linear(bias=False), lambda m, x: m(torch.tanh(m(x))))
    ),
    "a weight and its transpose (tied)": Kind(
        lambda: Called(linear(outputs=2), lambda m, x: F.linear(torch.tanh(m(x)), m.weight.T)),
        BY_VMAP,
    ),
    "`nn.Bilinear`": Kind(
        lambda: Called(nn.Bilinear(WIDTH, WIDTH, WIDTH), lambda m, x: m(x, x)), ONE_BY_ONE
    ),
    "`nn.Conv1d`": Kind(lambda: nn.Conv1d(PLACES, PLACES, 3, padding=1)),
    "`nn.Conv1d`, grouped and dilated": Kind(
        lambda: Called(
            nn.Conv1d(WIDTH, WIDTH, 2, groups=2, dilation=2, padding=1),
            lambda m, x: m(x.transpose(1, 2)).transpose(1, 2),
        )
    ),
    "`nn.Conv1d`, circular": Kind(
        lambda: nn.Conv1d(PLACES, PLACES, 3, padding=1, padding_mode="circular")
    ),
    "`nn.Conv2d`": Kind(lambda: Called(nn.Conv2d(1, 2, 3, padding=1), rows(lambda m, x: m(x)))),
    "`nn.Conv2d`, strided": Kind(
        lambda: Called(
            nn.Conv2d(1, 4, 2, stride=2, padding=(1, 0)),
            lambda m, x: m(x[:, None]).flatten(1)[:, : PLACES * WIDTH].view_as(x),
        )
    ),
    "`nn.Conv3d`": Kind(
        lambda: Called(
            nn.Conv3d(1, 1, 3, padding=1),
            lambda m, x: m(x.view(-1, 1, PLACES, 2, 2)).view_as(x),
        ),
        BY_VMAP,
    ),
    "`nn.ConvTranspose1d`": Kind(lambda: nn.ConvTranspose1d(PLACES, PLACES, 3, padding=1)),
    "`nn.ConvTranspose2d`": Kind(
        lambda: Called(nn.ConvTranspose2d(1, 1, 3, padding=1), rows(lambda m, x: m(x)))
    ),
    "`nn.LayerNorm`": Kind(lambda: nn.LayerNorm(WIDTH)),
    "`nn.RMSNorm`": Kind(lambda: nn.RMSNorm(WIDTH)),
    "`nn.GroupNorm`": Kind(
        lambda: Called(nn.GroupNorm(2, WIDTH), lambda m, x: m(x.transpose(1, 2)).transpose(1, 2))
    ),
    "`nn.InstanceNorm1d`": Kind(lambda: nn.InstanceNorm1d(PLACES, affine=True)),
    "`nn.BatchNorm1d` in evaluation mode": Kind(lambda: evaluated(nn.BatchNorm1d(PLACES))),
    "`nn.BatchNorm2d` in evaluation mode": Kind(
        lambda: Called(evaluated(nn.BatchNorm2d(1)), rows(lambda m, x: m(x)))
    ),
    "`nn.RNN`": Kind(lambda: Called(nn.RNN(WIDTH, WIDTH, batch_first=True), first)),
    "`nn.LSTM`": Kind(lambda: Called(nn.LSTM(WIDTH, WIDTH, batch_first=True), first)),
    "`nn.LSTM` in both directions": Kind(
        lambda: Called(nn.LSTM(WIDTH, 2, batch_first=True, bidirectional=True), first)
    ),
    "`nn.GRU` of two layers": Kind(
        lambda: Called(nn.GRU(WIDTH, WIDTH, 2, batch_first=True), first)
    ),
    "`nn.LSTMCell`": Kind(lambda: Called(nn.LSTMCell(WIDTH, WIDTH), unrolled)),
    "`nn.GRUCell`": Kind(lambda: Called(nn.GRUCell(WIDTH, WIDTH), unrolled)),
    "`nn.RNNCell`": Kind(lambda: Called(nn.RNNCell(WIDTH, WIDTH), unrolled)),
    "packed sequences": Kind(
        lambda: Called(nn.GRU(WIDTH, WIDTH, batch_first=True), packed), ONE_BY_ONE
    ),
    "`nn.MultiheadAttention` with a padding mask": Kind(
        lambda: Called(nn.MultiheadAttention(WIDTH, 2, batch_first=True), masked_attention)
    ),
    "`nn.TransformerEncoderLayer`": Kind(
        lambda: nn.TransformerEncoderLayer(WIDTH, 2, 5, dropout=0.0, batch_first=True)
    ),
    "causal attention written out": Kind(
        lambda: Called(linear(outputs=3 * WIDTH), causal_attention)
    ),
    "`F.scaled_dot_product_attention`": Kind(lambda: Called(linear(outputs=3 * WIDTH), sdpa)),
    "`nn.PReLU`": Kind(lambda: nn.PReLU(PLACES), ONE_BY_ONE),
    "`torch.einsum` of a parameter": Kind(
        lambda: Weight(WIDTH, WIDTH, call=lambda w, x: torch.einsum("btf,of->bto", x, w)), BY_VMAP
    ),
    "a parameter added, multiplied, expanded": Kind(
        lambda: Weight(WIDTH, call=lambda w, x: x * w + w.expand_as(x)), BY_VMAP
    ),
    "a parameter from the left, `weight @ x`": Kind(
        lambda: Weight(PLACES, PLACES, call=lambda w, x: w @ x), BY_VMAP
    ),
    "`torch.addmm`": Kind(
        lambda: Called(
            linear(),
            lambda m, x: torch.addmm(m.bias, x.reshape(-1, WIDTH), m.weight).view_as(x),
        )
    ),
    "`torch.bmm` of an expanded parameter": Kind(
        lambda: Weight(WIDTH, WIDTH, call=lambda w, x: torch.bmm(x, w.expand(len(x), WIDTH, WIDTH)))
    ),
    "`F.linear` of a masked parameter": Kind(
        lambda: Weight(WIDTH, WIDTH, call=lambda w, x: F.linear(x, w.tril())), BY_VMAP
    ),
    "`F.linear` of parts of a parameter": Kind(
        lambda: Weight(
            2 * WIDTH, WIDTH, call=lambda w, x: F.linear(torch.tanh(F.linear(x, w[:4])), w[4:])
        ),
        BY_VMAP,
    ),
    "`F.conv1d` of a normalised parameter": Kind(
        lambda: Weight(PLACES, PLACES, 3, call=lambda w, x: F.conv1d(x, w / w.norm(), padding=1)),
        BY_VMAP,
    ),
    "weight normalisation (a parametrisation)": Kind(
        lambda: parametrizations.weight_norm(linear()), ONE_BY_ONE
    ),
    "a spectrum multiplied by a parameter": Kind(
        lambda: Weight(3, call=lambda w, x: torch.fft.irfft(torch.fft.rfft(x) * w, n=WIDTH)),
    ),
    "learned prototypes (`torch.cdist`)": Kind(
        lambda: Weight(WIDTH, WIDTH, call=lambda w, x: torch.cdist(x, w)), ONE_BY_ONE
    ),
    "a token put before the others (`torch.cat`)": Kind(
        lambda: Weight(
            WIDTH, call=lambda w, x: torch.cat([w.expand(len(x), 1, WIDTH), x], 1)[:, :PLACES]
        )
    ),
    "rows of a parameter by index": Kind(
        lambda: Weight(VOCABULARY, WIDTH, call=lambda w, x: x * w[torch.arange(PLACES)]), BY_VMAP
    ),
    "a learned query that pools": Kind(
        lambda: Weight(
            WIDTH, call=lambda w, x: x + (torch.softmax(x @ w, 1)[..., None] * x).sum(1)[:, None]
        ),
        BY_VMAP,
    ),
    "gates (`F.glu`)": Kind(lambda: Called(linear(outputs=2 * WIDTH), lambda m, x: F.glu(m(x)))),
    "squeeze and excitation": Kind(
        lambda: Called(linear(), lambda m, x: x * torch.sigmoid(m(x.mean(1)))[:, None])
    ),
    "experts, weighed": Kind(lambda: Called(experts(), routed)),
    "weights that another layer makes": Kind(lambda: Called(experts(linear()), generated)),
    "a frozen layer with a change of low rank": Kind(
        lambda: Called(
            experts(
                linear().requires_grad_(False), linear(bias=False, outputs=2), nn.Linear(2, WIDTH)
            ),
            low_rank,
        )
    ),
    "ReLU, maxima, sorting": Kind(
        lambda: Called(linear(), lambda m, x: F.relu(m(x)).sort(-1).values - x.amax(1)[:, None])
    ),
    "pooling, padding, upsampling": Kind(
        lambda: Called(
            linear(),
            lambda m, x: F.interpolate(F.avg_pool1d(F.pad(m(x), (1, 1)), 3), size=WIDTH),
        )
    ),
    "an `autograd.Function` of one's own, a custom kernel": Kind(
        lambda: Weight(WIDTH, call=lambda w, x: OwnProduct.apply(x, w)), ONE_BY_ONE
    ),
    "activation checkpointing (`use_reentrant=False`)": Kind(
        lambda: Called(linear(), checkpointed), ONE_BY_ONE
    ),
    "a branch on values": Kind(lambda: Called(linear(), branching), ONE_BY_ONE),
    "writing into a tensor": Kind(lambda: Called(linear(), in_place), ONE_BY_ONE),
    "`nn.Dropout` in training mode": random(lambda: nn.Sequential(linear(), nn.Dropout(0.3))),
    "`F.dropout` in training mode": random(
        lambda: Called(linear(), lambda m, x: F.dropout(m(x), 0.3, m.training))
    ),
    "dropout inside of attention": random(
        lambda: Called(
            nn.MultiheadAttention(WIDTH, 2, dropout=0.3, batch_first=True), masked_attention
        )
    ),
    "dropout inside of an LSTM": random(
        lambda: Called(nn.LSTM(WIDTH, WIDTH, 2, dropout=0.3, batch_first=True), first)
    ),
    "dropout of `F.scaled_dot_product_attention`": random(
        lambda: Called(
            linear(outputs=3 * WIDTH), lambda m, x: sdpa(m, x, 0.3 if m.training else 0.0)
        )
    ),
    "noise in training mode": random(
        lambda: Called(
            linear(), lambda m, x: m(x) + (0.1 * torch.randn_like(x) if m.training else 0)
        )
    ),
    "`nn.BatchNorm1d` in training mode": Kind(lambda: nn.BatchNorm1d(PLACES), refused=MIXES),
    "a norm over the batch of one's own": Kind(
        lambda: Called(linear(), lambda m, x: m(x) - m(x).mean(0)),
        refused="depends on the other samples",
    ),
    "spectral normalisation in training mode": Kind(
        lambda: parametrizations.spectral_norm(linear()), refused=KEEPS
    ),
    "a layer that counts its calls": Kind(Counting, refused=KEEPS),
}
"""Layers of vectors, `[batch, place, feature]` to the same."""

TOKEN_LAYERS = {
    "`nn.Embedding`": Kind(lambda: nn.Embedding(VOCABULARY, WIDTH)),
    "`nn.Embedding` with `padding_idx`": Kind(
        lambda: nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
    ),
    "`nn.Embedding` with `sparse=True`": Kind(
        lambda: nn.Embedding(VOCABULARY, WIDTH, sparse=True), dense=False
    ),
    "`nn.EmbeddingBag`": Kind(
        lambda: Called(
            nn.EmbeddingBag(VOCABULARY, WIDTH), lambda m, x: m(x)[:, None].expand(-1, PLACES, -1)
        ),
        ONE_BY_ONE,
    ),
    "`F.one_hot` times a parameter": Kind(
        lambda: Weight(
            VOCABULARY, WIDTH, call=lambda w, x: F.one_hot(x, VOCABULARY).to(w.dtype) @ w
        )
    ),
    "a parameter by token, `weight[x]`": Kind(
        lambda: Weight(VOCABULARY, WIDTH, call=lambda w, x: w[x]), BY_VMAP
    ),
}
"""Layers of token numbers, `[batch, place]` to vectors."""
