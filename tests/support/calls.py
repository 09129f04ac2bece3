"""Modules of a few lines, and ways in which layers may be called.

Vectors are `[batch, place, feature]`, all as many as here.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint

PLACES, WIDTH, VOCABULARY = 3, 4, 6


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


def from_learned_state(layers: nn.Module, x: Tensor) -> Tensor:
    """Call a recurrent layer with a first state that is learned."""
    start = layers[1].weight[None].expand(1, len(x), WIDTH).contiguous()
    return layers[0](x, start)[0]


def decoded(layer: nn.Module, x: Tensor) -> Tensor:
    """Call a decoder that sees only the places before."""
    mask = nn.Transformer.generate_square_subsequent_mask(PLACES, dtype=x.dtype)
    return layer(x, torch.tanh(x), tgt_mask=mask, tgt_is_causal=True)


def one_expert(experts: nn.Module, x: Tensor) -> Tensor:
    """Send each place to one of two experts; one that has nothing to do is not called."""
    chosen, found = x.sum(-1) > 0, torch.zeros_like(x)
    for expert, mask in zip(experts, (chosen, ~chosen), strict=False):
        if mask.any():
            found[mask] = expert(x[mask])
    return found


def slope(layer: nn.Module, x: Tensor) -> Tensor:
    """Return the gradient of an energy by the inputs."""
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_(True)
        energy = torch.tanh(layer(x)).square().sum()
        return torch.autograd.grad(energy, x, create_graph=True)[0]


def hooked(layer: nn.Module) -> nn.Module:
    """A layer whose output a hook changes."""
    layer.register_forward_hook(lambda _, __, output: output * torch.sigmoid(output))
    return layer


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
