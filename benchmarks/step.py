"""Time of a step at the size of the paper against the machine's rates and the published algorithm.

    python -m benchmarks.step [--threads 2] [--repeats 3] [--published-queries 1]

The bound is the time of the contraction as one plain matrix product, plus plain batched
forward-backward passes over the same samples and nodes. A step of the engine is measured as the
difference of two explanations, of a longer and a shorter history, so that set-up and self-checks
cancel; engine and bound take turns. The published algorithm explains all outputs of a sample at
once, whatever is asked; it needs its quadrature for every sample apart, so its time for all samples
follows from its time for a few. With the finer subintervals the error is below the published one
(`benchmarks.epk`).
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer

import explaind
from benchmarks.measure import FINE
from benchmarks.problem import Problem, Size, recorded_problem
from benchmarks.published import published_influence
from explaind.history.replay.history import History
from explaind.kernel.query.quadrature import Quadrature
from explaind.training.task import nll

STEPS = (2, 6)
PAPER = Size(queries=100, samples=4000, mlp_width=512, steps=STEPS[1], p=113, width=64)
app = typer.Typer(add_completion=False)


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def explain_seconds(problem: Problem, outputs: str, queries: int, subintervals: int) -> float:
    """Time of an explanation, without the set-up of the kernel."""
    train, quadrature = (problem.x_train, problem.y_train), Quadrature(subintervals=subintervals)
    kernel = explaind.PathKernel(problem.store, problem.model, nll, train, quadrature=quadrature)
    x, y = problem.x[:queries], problem.y[:queries]
    return seconds(lambda: kernel.explain(x, y, outputs, keep=()))


def step_seconds(problems: dict[int, Problem], outputs: str, queries: int, cut: int) -> float:
    """Time of one step: difference of a longer and a shorter history."""
    short, long = (explain_seconds(problems[steps], outputs, queries, cut) for steps in STEPS)
    return (long - short) / (STEPS[1] - STEPS[0])


def product_seconds(problem: Problem, rows: int) -> float:
    """Time of the contraction as one matrix product `[rows, P] @ [P, N]`."""
    size = History(problem.store).layout.size
    left, right = torch.randn(rows, size), torch.randn(len(problem.y_train), size)
    return seconds(lambda: left @ right.T)


def passes_seconds(problem: Problem, outputs: int, queries: int, nodes: int) -> float:
    """Time of plain batched forward-backward passes: training batch, and queries at the nodes."""

    def one(x: torch.Tensor, y: torch.Tensor, times: int) -> None:
        loss = nll(problem.model(x), y).sum()
        for _ in range(times):
            torch.autograd.grad(loss, list(problem.model.parameters()), retain_graph=True)

    x, y = problem.x[:queries], problem.y[:queries]
    return seconds(lambda: (one(problem.x_train, problem.y_train, 1), one(x, y, outputs * nodes)))


def published_seconds(problems: dict[int, Problem], queries: int) -> tuple[float, float]:
    """Time of one published step: the share of the training set, and that of each sample."""

    def step(number: int) -> float:
        times = {
            steps: seconds(
                lambda steps=steps: published_influence(
                    History(problems[steps].store),
                    problems[steps].model,
                    (problems[steps].x_train, problems[steps].y_train),
                    (problems[steps].x[:number], problems[steps].y[:number]),
                    all_outputs=True,
                )
            )
            for steps in STEPS
        }
        return (times[STEPS[1]] - times[STEPS[0]]) / (STEPS[1] - STEPS[0])

    few, more = step(1), step(1 + queries)
    each = (more - few) / queries
    return few - each, each


def table(problems: dict[int, Problem], repeats: int, published: int) -> list[str]:
    """The table, medians over the repeats."""
    problem = problems[STEPS[1]]
    classes = int(problem.y_train.max()) + 3  # with the tokens for + and =
    fixed, each = published_seconds(problems, published) if published else (0.0, 0.0)
    lines = [
        "| a step of | engine | product | passes | engine / bound | published | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, outputs, queries, rows, cut in (
        ("100 targets", "target_logprob", 100, 100, 1),
        (f"100 targets, {FINE} subintervals", "target_logprob", 100, 100, FINE),
        (f"{classes} outputs x 10", "all", 10, 10 * classes, 1),
        (f"{classes} outputs x 10, {FINE} subintervals", "all", 10, 10 * classes, FINE),
    ):
        columns: list[list[float]] = [[], [], []]
        for _ in range(repeats):
            columns[0].append(step_seconds(problems, outputs, queries, cut))
            columns[1].append(product_seconds(problem, rows))
            columns[2].append(passes_seconds(problem, rows // queries, queries, cut))
        engine, product, passes = (statistics.median(column) for column in columns)
        theirs = fixed + each * queries
        lines.append(
            f"| {label} | {engine:.2f} s | {product:.2f} s | {passes:.2f} s |"
            f" {engine / (product + passes):.2f} | {theirs:.0f} s | {theirs / engine:.0f} |"
        )
    return lines


@app.command()
def main(
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 2,
    repeats: Annotated[int, typer.Option(help="Measurements; medians count.")] = 3,
    published_queries: Annotated[int, typer.Option(help="0 leaves the published one out.")] = 1,
) -> None:
    """Print the table."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        problems = {
            steps: recorded_problem(replace(PAPER, steps=steps), Path(folder, str(steps)))
            for steps in STEPS
        }
        sys.stdout.write("\n".join(table(problems, repeats, published_queries)) + "\n")


if __name__ == "__main__":
    app()
