"""One AdamW step of a small GPT-2 from its checkpoint, beside the published way.

    python -m benchmarks.windows main [--width 128] [--layers 4] [--batch 8] [--queries 4]

Needs transformers (extra `huggingface`). Both explain the losses of some sequences in one step:
influence of every training sequence, weight decay, and the momentum that was there before. The
published way has three copies of the model (before, after, at a node) and 10 midpoint nodes, and
takes the training gradients again for every explained sequence. Each method runs in a process of
its own, on one thread: seconds, the memory it added at its peak, and what it left of the change.
"""

import copy
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import explaind
from benchmarks.measure import resident
from explaind.data.download import torchvision_datasets
from explaind.trees import Outputs

NODES, TOKENS, VOCABULARY, BEFORE = 10, 64, 512, 3
RATE, DECAY = 1e-3, 0.1

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Size:
    """How much is trained and explained.

    Attributes:
        width: of the model.
        layers: of the model.
        batch: training sequences of the step.
        queries: explained sequences.
    """

    width: int = 128
    layers: int = 4
    batch: int = 8
    queries: int = 4


@dataclass(frozen=True)
class Checkpoint:
    """A training before the step that is explained.

    Attributes:
        model: the model.
        optimizer: its optimizer, with moments of some steps.
        train: the training sequences of the step.
        queries: the explained sequences.
    """

    model: nn.Module
    optimizer: torch.optim.AdamW
    train: Tensor
    queries: Tensor


def checkpoint(size: Size) -> Checkpoint:
    """Train for some steps on random sequences."""
    torchvision_datasets()  # transformers imports torchvision, which needs a hand beside CPU torch
    from transformers import GPT2Config, GPT2LMHeadModel  # noqa: PLC0415 (an extra)

    torch.manual_seed(0)
    shape = {"n_embd": size.width, "n_layer": size.layers, "n_head": 4}
    rates = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    config = GPT2Config(vocab_size=VOCABULARY, n_positions=TOKENS, **shape, **rates)
    config._attn_implementation = "eager"
    model = GPT2LMHeadModel(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    parts = [torch.randint(VOCABULARY, (size.batch, TOKENS)) for _ in range(BEFORE + 1)]
    for tokens in parts[:BEFORE]:
        backward(model, optimizer, tokens)
        optimizer.step()
    queries = torch.randint(VOCABULARY, (size.queries, TOKENS))
    return Checkpoint(model, optimizer, parts[-1], queries)


def loss_fn(output: Outputs, tokens: Tensor) -> Tensor:
    """Mean loss of the next tokens of every sequence, nat; `output` is what the model returns."""
    logits = output.logits[:, :-1].transpose(1, 2)
    return cross_entropy(logits, tokens[:, 1:], reduction="none").mean(1)


def backward(model: nn.Module, optimizer: torch.optim.Optimizer, tokens: Tensor) -> None:
    """Leave the gradient of a batch."""
    optimizer.zero_grad()
    torch.autograd.backward(loss_fn(model(tokens), tokens).mean())


def engine(begin: Checkpoint) -> tuple[Tensor, float]:
    """Influence, and what is left of the changes, by this library: record, open, explain."""
    model, optimizer, tokens = begin.model, begin.optimizer, begin.train
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "step.zarr"
        with explaind.record(model, optimizer, loss_fn, store) as recorder:
            batch = recorder.step_of(torch.arange(len(tokens)), tokens, tokens)
            backward(model, optimizer, batch.x)
            optimizer.step()
        kernel = explaind.PathKernel(store, model, loss_fn, (tokens, tokens))
        found = kernel.explain(begin.queries, begin.queries, "loss", keep=("influence",))
    left = abs(found.residual).mean() / abs(found.final_output - found.initial_output).mean()
    return torch.from_numpy(found.influence.values[:, 0]).double(), float(left)


def published(begin: Checkpoint) -> tuple[Tensor, float]:
    """The same by three copies of the model and midpoint nodes."""
    before = begin.model
    after, node = copy.deepcopy(before), copy.deepcopy(before)
    optimizer = torch.optim.AdamW(after.parameters(), lr=RATE, weight_decay=DECAY)
    optimizer.load_state_dict(begin.optimizer.state_dict())
    moments = [state["exp_avg"].clone() for state in optimizer.state.values()]
    backward(after, optimizer, begin.train)
    optimizer.step()
    scales = [_scale(optimizer, parameter) for parameter in after.parameters()]
    beta, rows, left, changes = optimizer.param_groups[0]["betas"][0], [], 0.0, 0.0
    ends = list(zip(before.parameters(), after.parameters(), strict=True))
    for query in begin.queries.split(1):
        averaged = [torch.zeros_like(parameter) for parameter, _ in ends]
        for k in range(NODES):
            for place, (start, end) in zip(node.parameters(), ends, strict=True):
                place.data = torch.lerp(start.detach(), end.detach(), (k + 0.5) / NODES)
            for total, part in zip(averaged, _gradient(node, query), strict=True):
                total.add_(part, alpha=1 / NODES)
        row = [
            -(1 - beta) / len(begin.train) * _dot(averaged, scales, _gradient(before, sample))
            for sample in begin.train.split(1)
        ]
        carry = -beta * _dot(averaged, scales, moments)
        decay = -RATE * DECAY * _dot(averaged, [1.0] * len(scales), before.parameters())
        with torch.no_grad():
            old, new = (loss_fn(m(query), query).double().item() for m in (before, after))
        rows.append(row)
        left, changes = left + abs(new - old - sum(row) - carry - decay), changes + abs(new - old)
    return torch.tensor(rows, dtype=torch.float64), left / changes


def _scale(optimizer: torch.optim.AdamW, parameter: Tensor) -> Tensor:
    """What AdamW multiplied the first moment by in its last step."""
    group, state = optimizer.param_groups[0], optimizer.state[parameter]
    (beta1, beta2), count = group["betas"], float(state["step"])
    root = (state["exp_avg_sq"] / (1 - beta2**count)).sqrt() + group["eps"]
    scale: Tensor = group["lr"] / (1 - beta1**count) / root
    return scale


def _gradient(model: nn.Module, tokens: Tensor) -> tuple[Tensor, ...]:
    """Gradient of the loss of one sequence."""
    return torch.autograd.grad(loss_fn(model(tokens), tokens)[0], list(model.parameters()))


@torch.no_grad()
def _dot(
    left: Iterable[Tensor], scales: Iterable[Tensor | float], right: Iterable[Tensor]
) -> float:
    """Sum over all tensors of `left * scale * right`."""
    triples = zip(left, scales, right, strict=True)
    return sum(float((a * s * b).double().sum()) for a, s, b in triples)


METHODS: dict[str, Callable[[Checkpoint], tuple[Tensor, float]]] = {
    "engine": engine,
    "published": published,
}


@app.command()
def one(
    method: str,
    size: Annotated[str, typer.Argument(help="Fields of Size, JSON.")],
    out: Path,
) -> None:
    """Run one method once; print seconds, bytes, parameters and what was left as JSON."""
    torch.set_num_threads(1)
    begin = checkpoint(Size(**json.loads(size)))
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    held, start = resident("VmRSS"), time.perf_counter()
    influence, left = METHODS[method](begin)
    row = {
        "seconds": time.perf_counter() - start,
        "bytes": resident("VmHWM") - held,
        "parameters": sum(parameter.numel() for parameter in begin.model.parameters()),
        "left": left,
    }
    torch.save(influence, out)
    sys.stdout.write(json.dumps(row) + "\n")


@app.command()
def main(width: int = 128, layers: int = 4, batch: int = 8, queries: int = 4) -> None:
    """Run both and print a table."""
    size = json.dumps(asdict(Size(width, layers, batch, queries)))
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for method in METHODS:
            out = Path(folder) / method
            command = [sys.executable, "-m", "benchmarks.windows", "one", method, size, str(out)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            row, found[method] = json.loads(done.stdout.splitlines()[-1]), torch.load(out)
            sys.stdout.write(
                f"{method:10} {row['parameters']:,} parameters: {row['seconds']:6.1f} s"
                f" {row['bytes'] / 2**20:6.0f} MiB, share of the changes left over"
                f" {row['left']:.1e}\n"
            )
    error = (found["engine"] - found["published"]).abs().max() / found["published"].abs().max()
    sys.stdout.write(f"influences differ by at most {float(error):.1e} of the largest\n")


if __name__ == "__main__":
    app()
