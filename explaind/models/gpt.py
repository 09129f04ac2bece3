"""A small causal language model: pre-norm blocks as in GPT-2, without biases or dropout."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

INITIAL_STD = 0.02


class GPT(nn.Module):
    """Next-token logits at every position.

        h = E[tokens] + positions
        h = h + attention(norm(h));  h = h + mlp(norm(h))        in every layer
        output = norm(h) U^T

    Args:
        vocabulary: number of tokens.
        context: positions of a passage; shorter ones are padded at the end.
        layers: number of blocks.
        width: width of the residual stream.
        heads: attention heads; divides `width`.
        tied: whether the output layer is the embedding.

    Attributes:
        components: component of every parameter tensor: embedding, output and, of each layer,
            attention, MLP and norms.
    """

    def __init__(
        self, vocabulary: int, context: int, layers: int, width: int, heads: int, tied: bool
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.empty(context, width))
        self.layers = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        self.output = nn.Linear(width, vocabulary, bias=False)
        for name, parameter in self.named_parameters():
            if "norm" not in name:
                into_stream = name.endswith(("projection.weight", "contract.weight"))
                std = INITIAL_STD / (2 * layers) ** 0.5 if into_stream else INITIAL_STD
                nn.init.normal_(parameter, std=std)
        if tied:
            self.output.weight = self.embedding.weight
        self.components = {name: _component(name) for name, _ in self.named_parameters()}

    def forward(
        self, tokens: Int[Tensor, "batch *passage position"]
    ) -> Float[Tensor, "batch *passage position token"]:
        """Logits of the next token.

        Args:
            tokens: token numbers; a sample may be several passages, which do not see each other.

        Returns:
            The logits after each position.
        """
        h = self.embedding(tokens) + self.positions
        for layer in self.layers:
            h = layer(h)
        output: Tensor = self.output(self.norm(h))
        return output


class Block(nn.Module):
    """Attention and a feed-forward block, each added to the residual stream.

    Args:
        width: width of the residual stream.
        heads: attention heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width, bias=False)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.projection = nn.Linear(width, width, bias=False)
        self.mlp_norm = nn.LayerNorm(width, bias=False)
        self.expand = nn.Linear(width, 4 * width, bias=False)
        self.contract = nn.Linear(4 * width, width, bias=False)

    def forward(
        self, h: Float[Tensor, "*batch position width"]
    ) -> Float[Tensor, "*batch position width"]:
        """Return the residual stream after the block."""
        h = h + self.projection(self._attend(self.qkv(self.attention_norm(h))))
        output: Tensor = h + self.contract(functional.gelu(self.expand(self.mlp_norm(h))))
        return output

    def _attend(
        self, qkv: Float[Tensor, "*batch position three_width"]
    ) -> Float[Tensor, "*batch position width"]:
        split = qkv.view(*qkv.shape[:-1], 3 * self.heads, -1).transpose(-2, -3)
        q, k, v = split.chunk(3, -3)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return mixed.transpose(-2, -3).flatten(-2)


def _component(name: str) -> str:
    """The component that a parameter tensor is reported with."""
    if not name.startswith("layers."):
        return {"norm.weight": "output", "output.weight": "output"}.get(name, "embedding")
    _, number, part, _ = name.split(".")
    kind = {
        "qkv": "attention",
        "projection": "attention",
        "expand": "MLP",
        "contract": "MLP",
        "attention_norm": "norms",
        "mlp_norm": "norms",
    }[part]
    return f"layer {int(number) + 1} {kind}"
