"""Per-sample gradients by a layer rule, beside the fallback that they would take without it.

    python -m benchmarks.layer_rules

Medians of the time for all gradients of a batch, one thread. The fallback is `vmap` where torch can
batch the layer, else one autograd call per sample.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch
import typer
from torch import Tensor, nn

from explaind.history.layout import ParameterLayout
from explaind.kernel.functionals import ModelFunction
from explaind.kernel.gradients.fallback import Fallback
from explaind.kernel.gradients.per_sample import PerSampleGradients

BATCH, TOKENS, WIDTH, REPEATS = 32, 16, 32, 7


class OfTokens(nn.Module):
    """A layer called on a sequence of vectors.

    Args:
        layer: the layer.
        call: `(layer, sequence) -> outputs`.
    """

    def __init__(self, layer: nn.Module, call: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.call = layer, call

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs."""
        return self.call(self.layer, x)


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "nn.LSTM": lambda: OfTokens(nn.LSTM(WIDTH, WIDTH, batch_first=True), lambda r, x: r(x)[0]),
    "nn.GRU": lambda: OfTokens(nn.GRU(WIDTH, WIDTH, batch_first=True), lambda r, x: r(x)[0]),
    "nn.MultiheadAttention": lambda: OfTokens(
        nn.MultiheadAttention(WIDTH, 4, batch_first=True), lambda a, x: a(x, x, x)[0]
    ),
    "nn.ConvTranspose1d": lambda: OfTokens(
        nn.ConvTranspose1d(TOKENS, TOKENS, 4, stride=2), lambda c, x: c(x)
    ),
    "torch.addmm": lambda: OfTokens(
        nn.Linear(WIDTH, WIDTH),
        lambda p, x: torch.addmm(p.bias, x.reshape(-1, WIDTH), p.weight).view_as(x),
    ),
    "nn.Embedding(padding_idx=0)": lambda: OfTokens(
        nn.Embedding(100, WIDTH, padding_idx=0), lambda e, x: e(x[:, :, 0].abs().long())
    ),
    "nn.Embedding of positions": lambda: OfTokens(
        nn.Embedding(TOKENS, WIDTH), lambda e, x: torch.tanh(x + e(torch.arange(TOKENS)))
    ),
}


def loss(output: Tensor, _: Tensor) -> Tensor:
    """Return a loss of each sample."""
    return output.square().flatten(1).mean(1)


def seconds(gradients: PerSampleGradients, theta: Tensor, x: Tensor, y: Tensor) -> float:
    """Return the median time of all per-sample gradients of a batch."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        for _ in gradients(theta, x, y):
            pass
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, y = torch.randn(BATCH, TOKENS, WIDTH), torch.zeros(BATCH)
    typer.echo("| layer | rule, ms | fallback, ms | how | ratio |\n|---|---|---|---|---|")
    for name, make in LAYERS.items():
        model = make()
        layout = ParameterLayout.of(model, torch.optim.SGD(model.parameters(), lr=0.1))
        theta = layout.flatten(dict(model.named_parameters()))
        gradients = PerSampleGradients(ModelFunction(model, {}, loss), layout)
        everything = Fallback(frozenset(slot.name for slot in layout.slots))
        times = [1000 * seconds(gradients, theta, x, y)]
        try:
            times.append(1000 * seconds(gradients.with_fallback(everything), theta, x, y))
        except RuntimeError:  # what torch cannot batch
            everything = replace(everything, batched=False)
            times.append(1000 * seconds(gradients.with_fallback(everything), theta, x, y))
        how = "vmap" if everything.batched else "one by one"
        typer.echo(
            f"| {name} | {times[0]:.2f} | {times[1]:.2f} | {how} | {times[1] / times[0]:.1f} |"
        )


if __name__ == "__main__":
    typer.run(main)
