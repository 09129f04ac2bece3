"""Layers and calls that a model may be made of, each small, and where their gradients come from.

One list: tests try each, the generated cases combine them, and the documented table names them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.nn.utils import parametrizations, prune

from tests.support.calls import (
    PLACES,
    VOCABULARY,
    WIDTH,
    Called,
    Counting,
    OwnProduct,
    Weight,
    branching,
    causal_attention,
    checkpointed,
    decoded,
    evaluated,
    experts,
    first,
    from_learned_state,
    generated,
    hooked,
    in_place,
    linear,
    low_rank,
    masked_attention,
    one_expert,
    packed,
    routed,
    rows,
    sdpa,
    slope,
    unrolled,
)

BY_RULE, BY_VMAP, ONE_BY_ONE = "layer rule", "`vmap`", "one autograd call per sample"
DRAWS, MIXES, KEEPS = (
    "draws random numbers",
    "mixes the samples",
    "changed before step|keeps a state",
)


@dataclass(frozen=True)
class Kind:
    """A kind of layer.

    Attributes:
        make: makes a module, `[batch, place, feature]` to the same shape, or token numbers
            `[batch, place]` to vectors.
        way: where the gradients come from, if they can be had.
        refused: what the refusal says, if it is refused.
        dense: whether its gradients are dense, as most optimizers want them.
        used: whether every parameter is used in every step.
        copied: whether torch copies the module.
    """

    make: Callable[[], nn.Module]
    way: str = BY_RULE
    refused: str = ""
    dense: bool = True
    used: bool = True
    copied: bool = True


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
    "`nn.LSTM` with a projection": Kind(
        lambda: Called(nn.LSTM(WIDTH, 5, proj_size=WIDTH, batch_first=True), first), ONE_BY_ONE
    ),
    "`nn.GRU` from a first state that is learned": Kind(
        lambda: Called(
            experts(nn.GRU(WIDTH, WIDTH, batch_first=True), nn.Embedding(1, WIDTH)),
            from_learned_state,
        ),
        ONE_BY_ONE,
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
    "`nn.TransformerDecoderLayer` with a causal mask": Kind(
        lambda: Called(
            nn.TransformerDecoderLayer(WIDTH, 2, 5, dropout=0.0, batch_first=True), decoded
        )
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
    "`torch.baddbmm`, a parameter for each place": Kind(
        lambda: Called(
            Weight(PLACES, WIDTH, WIDTH, call=lambda w, x: torch.baddbmm(x, x, w)),
            lambda m, x: m(x.transpose(0, 1)).transpose(0, 1),
        ),
        BY_VMAP,
    ),
    "`F.layer_norm` with a parameter of one's own": Kind(
        lambda: Weight(WIDTH, call=lambda w, x: F.layer_norm(x, (WIDTH,), w))
    ),
    "`F.linear` of a sum of parameters": Kind(
        lambda: Called(
            experts(linear(bias=False), linear(bias=False, outputs=2), nn.Linear(2, WIDTH)),
            lambda m, x: F.linear(x, m[0].weight + m[2].weight @ m[1].weight, m[2].bias),
        ),
        BY_VMAP,
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
    "an orthogonal matrix (a parametrisation)": Kind(
        lambda: parametrizations.orthogonal(linear()), BY_VMAP
    ),
    "pruned weights (`nn.utils.prune`)": Kind(
        lambda: prune.random_unstructured(linear(), "weight", 0.4), BY_VMAP, copied=False
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
    "experts, one for each place": Kind(
        lambda: Called(experts(), one_expert), ONE_BY_ONE, used=False
    ),
    "a layer that is never called": Kind(
        lambda: Called(experts(), lambda m, x: m[1](x)), used=False
    ),
    "a hook that changes an output": Kind(lambda: hooked(linear())),
    "a gradient by the inputs (an energy)": Kind(lambda: Called(linear(), slope), ONE_BY_ONE),
    "`torch.vmap` over the places": Kind(
        lambda: Called(linear(), lambda m, x: torch.vmap(m, in_dims=1, out_dims=1)(x)), ONE_BY_ONE
    ),
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
    "`nn.Dropout` in training mode": Kind(
        lambda: nn.Sequential(linear(), nn.Dropout(0.3)), refused="Dropout.*is random"
    ),
    "`F.dropout`": Kind(lambda: Called(linear(), lambda m, x: F.dropout(m(x), 0.3)), refused=DRAWS),
    "dropout inside of attention": Kind(
        lambda: Called(
            nn.MultiheadAttention(WIDTH, 2, dropout=0.3, batch_first=True), masked_attention
        ),
        refused=DRAWS,
    ),
    "dropout inside of an LSTM": Kind(
        lambda: Called(nn.LSTM(WIDTH, WIDTH, 2, dropout=0.3, batch_first=True), first),
        refused=DRAWS,
    ),
    "dropout of `F.scaled_dot_product_attention`": Kind(
        lambda: Called(linear(outputs=3 * WIDTH), lambda m, x: sdpa(m, x, 0.3)), refused=DRAWS
    ),
    "noise": Kind(
        lambda: Called(linear(), lambda m, x: m(x) + 0.1 * torch.randn_like(x)), refused=DRAWS
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
    "`nn.Embedding`, its weight used again (tied)": Kind(
        lambda: Called(
            nn.Embedding(VOCABULARY, WIDTH), lambda m, x: torch.tanh(m(x) @ m.weight.T) @ m.weight
        ),
        BY_VMAP,
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
