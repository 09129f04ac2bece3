"""The one-layer transformer for modular addition of the ExPLAIND paper (arXiv 2505.20076)."""

import math
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class Transformer(nn.Module):
    """One attention layer without residual, one ReLU block, log-softmax at the last position.

    With `e = sqrt(d) E[tokens]` and, for each head, one projection `p = e W_h^T` that serves as
    query, key and value:

        o      = sum_h softmax(p_last p^T / sqrt(d / heads)) p D_h^T
        output = log_softmax((o + relu(W_2 relu(W_1 o + b_1) + b_2)) U^T)

    Only the last position is read, so only its query is computed. The heads lie in one tensor each:
    rows `[h d/heads, (h+1) d/heads)` of `encoders` and the same columns of `decoders` are head `h`.
    These are the paper's attention encoders and decoders. Its positional table is never added to
    anything there, and is left out here.

    Args:
        vocabulary: number of tokens and of output classes.
        width: model width `d`.
        heads: number of attention heads; divides `width`.
        mlp_width: hidden width of the ReLU block.
    """

    def __init__(self, vocabulary: int, width: int, heads: int, mlp_width: int) -> None:
        super().__init__()
        self.width, self.heads = width, heads
        self.embedding = nn.Embedding(vocabulary, width)
        self.encoders = nn.Linear(width, width, bias=False)
        self.decoders = nn.Linear(width, width, bias=False)
        self.linear1 = nn.Linear(width, mlp_width)
        self.linear2 = nn.Linear(mlp_width, width)
        self.decoder = nn.Linear(width, vocabulary, bias=False)
        bound = 1 / math.sqrt(width / heads)  # each head's own layer has fan-in d / heads
        nn.init.uniform_(self.decoders.weight, -bound, bound)

    components: ClassVar[dict[str, str]] = {
        "embedding.weight": "embedding",
        "encoders.weight": "QKV projection",
        "decoders.weight": "output projection",
        "linear1.weight": "linear1",
        "linear1.bias": "linear1",
        "linear2.weight": "linear2",
        "linear2.bias": "linear2",
        "decoder.weight": "decoder",
    }
    """Component of every parameter tensor."""

    output_unit: ClassVar[str] = "nat"
    """Unit of the outputs, which are log-probabilities."""

    def forward(self, tokens: Int[Tensor, "batch position"]) -> Float[Tensor, "batch class"]:
        """Log-probabilities of the classes at the last position.

        Args:
            tokens: token numbers.

        Returns:
            Log-probabilities, nat.
        """
        e = math.sqrt(self.width) * self.embedding(tokens)
        o = self.decoders(self._attend(self.encoders(e)))
        h = o + torch.relu(self.linear2(torch.relu(self.linear1(o))))
        output: Tensor = self.decoder(h).log_softmax(-1)
        return output

    def _attend(self, p: Float[Tensor, "batch position width"]) -> Float[Tensor, "batch width"]:
        batch, positions, width = p.shape
        split = p.view(batch, positions, self.heads, width // self.heads)
        query = split[:, -1]
        scores = torch.einsum("bhd,bphd->bhp", query, split) / math.sqrt(width // self.heads)
        mixed = torch.einsum("bhp,bphd->bhd", scores.softmax(-1), split)
        return mixed.reshape(batch, width)
