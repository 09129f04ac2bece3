"""A small sequence problem: next tokens, a loss at each position, and their own weights."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tests.oracles.dense_midpoint import flat_gradient, set_values
from tests.oracles.problems import tokens
from tests.oracles.recorded_path import Path, Step
from tests.oracles.smooth_models import POSITIONS, VOCABULARY


class NextToken(nn.Module):
    """Each position sees those before it through one causal attention; smooth everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4)
        self.norm = nn.LayerNorm(4)
        self.projection = nn.Linear(4, 12, bias=False)
        self.decoder = nn.Linear(4, VOCABULARY)

    def forward(self, x: Tensor) -> Tensor:
        e = self.embedding(x)
        q, k, v = self.projection(self.norm(e)).chunk(3, -1)
        return self.decoder(e + F.scaled_dot_product_attention(q, k, v, is_causal=True))


def next_tokens(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random sequences and the tokens that follow; the last one is to be ignored at times."""
    x, y = tokens(count, seed)
    target = torch.cat([x[:, 1:], y[:, None]], 1)
    target[::3, -1] = -100
    return x, target


def token_losses(output: Tensor, target: Tensor) -> Tensor:
    """Loss of every token, weighted so that they add up to the mean of the sequence."""
    losses = F.cross_entropy(output.transpose(1, 2), target, reduction="none")
    return losses / (target != -100).sum(1, keepdim=True)


def sequence_loss(output: Tensor, target: Tensor) -> Tensor:
    """Mean loss of the tokens of every sequence."""
    return token_losses(output, target).sum(1)


def split_in_parts(path: Path, data: tuple[Tensor, Tensor]) -> Path:
    """The same path with every token as a training sample of its own, `i * POSITIONS + t`."""
    x, y = data
    steps = [
        Step(
            tuple(i * POSITIONS + t for i in step.batch for t in range(POSITIONS)),
            torch.stack(_gradients(path, theta, step, x, y)),
            step.penalty_gradient,
            step.map,
        )
        for theta, step in zip(path.parameters, path.steps, strict=False)
    ]
    return Path(path.model, path.tensors, POSITIONS * path.train_size, path.parameters, steps)


def _gradients(path: Path, theta: Tensor, step: Step, x: Tensor, y: Tensor) -> list[Tensor]:
    set_values(path.trained(), theta)
    rows = []
    for i in step.batch:
        for t in range(POSITIONS):
            loss = token_losses(path.model(x[i : i + 1]), y[i : i + 1])[0, t]
            rows.append(flat_gradient(loss / len(step.batch), path.trained()))
    return rows
