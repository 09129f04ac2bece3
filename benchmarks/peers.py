"""Beside other libraries, on one small task: captum's TracInCP and kronfluence's Analyzer.

    python -m benchmarks.peers

Handwritten digits, a network of two layers, SGD with momentum. Explained is the log-probability of
the right class of test digits, by every training digit, positive = pushed it up. Each library is
used as its documentation shows it. The table has the lines that each takes, the processor time for
all scores (medians of runs one after the other), how much of what training did to the outputs the
scores add up to, and rank correlations: with the scores of each other, and of summed scores with
trainings on half of the samples (the linear datamodelling score of Park et al. 2023).
"""

import copy
import inspect
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import typer
from captum.influence import TracInCP
from kronfluence.analyzer import Analyzer, prepare_model
from kronfluence.arguments import FactorArguments
from kronfluence.task import Task
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import explaind

CLASSES, BATCH, LEARNING_RATE = 10, 50, 0.05
LOSS = nn.CrossEntropyLoss(reduction="none")


@dataclass(frozen=True)
class Size:
    """Size of the task.

    Attributes:
        train: training digits.
        test: explained digits.
        epochs: epochs of training.
        subsets: trainings on a random half.
    """

    train: int = 300
    test: int = 50
    epochs: int = 15
    subsets: int = 100


@dataclass(frozen=True)
class Trained:
    """A training, as each library needs it.

    Attributes:
        model: the trained network.
        train_data: what it was trained on.
        queries: what is explained: digits and their classes.
        folder: holds `history.zarr`, recorded by explaind, and `0.pt`, `1.pt`, ...: the
            parameters after each epoch.
        epochs: number of these.
    """

    model: nn.Module
    train_data: TensorDataset
    queries: tuple[Tensor, Tensor]
    folder: Path
    epochs: int


def by_explaind(trained: Trained) -> np.ndarray:
    """Path kernel of the recorded training."""
    history = trained.folder / "history.zarr"
    kernel = explaind.PathKernel(history, trained.model, LOSS, trained.train_data)
    return kernel.scores(*trained.queries)


def by_captum(trained: Trained) -> np.ndarray:
    """TracInCP over the parameters after each epoch."""

    def load(model: nn.Module, checkpoint: str) -> float:
        model.load_state_dict(torch.load(checkpoint))
        return LEARNING_RATE

    checkpoints = [str(trained.folder / f"{epoch}.pt") for epoch in range(trained.epochs)]
    tracin = TracInCP(
        copy.deepcopy(trained.model),
        trained.train_data,
        checkpoints,
        load,
        loss_fn=nn.CrossEntropyLoss(reduction="sum"),
        batch_size=BATCH,
        sample_wise_grads_per_batch=True,
    )
    scores: np.ndarray = tracin.influence(trained.queries).numpy()
    return scores


class Classification(Task):
    """What kronfluence asks about a training."""

    def compute_train_loss(self, batch: list, model: nn.Module, sample: bool = False) -> Tensor:  # type: ignore[type-arg]
        """Return the summed loss, or that of targets drawn from the outputs."""
        outputs, targets = model(batch[0]), batch[1]
        if sample:
            targets = torch.multinomial(outputs.detach().softmax(1), 1).flatten()
        return LOSS(outputs, targets).sum()

    def compute_measurement(self, batch: list, model: nn.Module) -> Tensor:  # type: ignore[type-arg]
        """Return the summed loss of explained samples."""
        return self.compute_train_loss(batch, model)


def by_kronfluence(trained: Trained) -> np.ndarray:
    """Influence functions at the trained parameters, by EK-FAC."""
    task = Classification()
    model = prepare_model(copy.deepcopy(trained.model), task)
    analyzer = Analyzer("digits", model, task, cpu=True, output_dir=str(trained.folder / "scores"))
    arguments = FactorArguments(strategy="ekfac")
    analyzer.fit_all_factors(
        "f", trained.train_data, BATCH, factor_args=arguments, overwrite_output_dir=True
    )
    data = TensorDataset(*trained.queries), trained.train_data
    analyzer.compute_pairwise_scores("s", "f", *data, BATCH, BATCH, overwrite_output_dir=True)
    scores: np.ndarray = analyzer.load_pairwise_scores("s")["all_modules"].numpy()
    return scores


METHODS: dict[str, tuple[Callable[[Trained], np.ndarray], list[object]]] = {
    "explaind, path kernel": (by_explaind, []),
    "captum, TracInCP": (by_captum, []),
    "kronfluence, EK-FAC": (by_kronfluence, [Classification]),
}
"""Each with what it needs beside its function."""


def train(size: Size, seed: int, folder: Path) -> Trained:
    """Train, as all three need it.

    Args:
        size: size of the task.
        seed: of the digits and the initial parameters.
        folder: where the history and the parameters after each epoch are kept.

    Returns:
        The training.
    """
    train_data, queries = digits(size, seed)
    model = network(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9)
    loader = DataLoader(train_data, BATCH)
    with explaind.record(model, optimizer, LOSS, folder / "history.zarr") as recorder:
        for epoch in range(size.epochs):
            for batch in recorder.batches(loader):
                optimizer.zero_grad()
                LOSS(model(batch.x), batch.y).mean().backward()
                optimizer.step()
            torch.save(model.state_dict(), folder / f"{epoch}.pt")
    return Trained(model, train_data, queries, folder, size.epochs)


def digits(size: Size, seed: int) -> tuple[TensorDataset, tuple[Tensor, Tensor]]:
    """Training digits, and explained ones with their classes."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))[: size.train + size.test]
    x, y = torch.tensor(x[order] / 16, dtype=torch.float32), torch.tensor(y[order])
    return TensorDataset(x[: size.train], y[: size.train]), (x[size.train :], y[size.train :])


def network(seed: int) -> nn.Module:
    """The network, untrained."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, CLASSES))


def retrained(trained: Trained, seed: int, kept: Tensor) -> Tensor:
    """Log-probabilities after the same training without some samples.

    Args:
        trained: the training.
        seed: its seed.
        kept: which training samples are kept, `[train]`.

    Returns:
        Log-probability of the class of each explained sample, `[test]`.
    """
    (x, y), model = trained.train_data.tensors, network(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9)
    for _ in range(trained.epochs):
        for rows in torch.arange(len(x)).split(BATCH):
            left = rows[kept[rows]]
            optimizer.zero_grad()
            LOSS(model(x[left]), y[left]).mean().backward()
            optimizer.step()
    queries, classes = trained.queries
    with torch.no_grad():
        return -LOSS(model(queries), classes)


def datamodelling_scores(
    trained: Trained, seed: int, subsets: int, scores: Sequence[np.ndarray]
) -> list[float]:
    """Rank correlation of what halves of the samples should do with what they did.

    Args:
        trained: the training.
        seed: its seed.
        subsets: how many halves.
        scores: of each method, `[test, train]`.

    Returns:
        For each method the mean over the explained samples.
    """
    rng, samples = np.random.default_rng(seed), len(trained.train_data)
    halves = np.zeros((subsets, samples), dtype=bool)
    for half in halves:
        half[rng.permutation(samples)[: samples // 2]] = True
    outputs = torch.stack([retrained(trained, seed, torch.from_numpy(h)) for h in halves])
    return [rank_correlation((halves @ s.T).T, outputs.T.numpy()) for s in scores]


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of each row, averaged over the rows."""
    return float(np.mean([spearmanr(*rows).statistic for rows in zip(a, b, strict=True)]))


def lines(method: Callable[[Trained], np.ndarray], beside: Sequence[object]) -> int:
    """Lines of code, without blank ones and docstrings."""
    source = "".join(inspect.getsource(part) for part in (method, *beside))  # type: ignore[arg-type]
    rows = (row.strip() for row in source.splitlines())
    return sum(bool(row) and not row.startswith('"""') for row in rows)


@dataclass(frozen=True)
class Compared:
    """What is measured of all methods on one training; one entry for each of `METHODS`.

    Attributes:
        scores: `[test, train]`.
        seconds: processor time of each repetition.
        summed: summed scores, as a multiple of what training did to the outputs.
        agreement: rank correlation with each other.
        retrained: linear datamodelling score.
    """

    scores: list[np.ndarray]
    seconds: list[list[float]]
    summed: list[float]
    agreement: list[list[float]]
    retrained: list[float]


def compare(size: Size, seed: int, repeats: int, folder: Path) -> Compared:
    """Train, and use all methods.

    Args:
        size: size of the task.
        seed: of the task.
        repeats: how often each is timed, one after the other.
        folder: for files.

    Returns:
        What was measured.
    """
    trained = train(size, seed, folder)
    timed = [[_timed(method, trained) for method, _ in METHODS.values()] for _ in range(repeats)]
    scores = [score for score, _ in timed[-1]]
    queries, classes = trained.queries
    with torch.no_grad():
        change = LOSS(network(seed)(queries), classes) - LOSS(trained.model(queries), classes)
    return Compared(
        scores,
        [[seconds for _, seconds in column] for column in zip(*timed, strict=True)],
        [float(score.sum(1).mean() / change.mean()) for score in scores],
        [[rank_correlation(a, b) for b in scores] for a in scores],
        datamodelling_scores(trained, seed, size.subsets, scores),
    )


def _timed(method: Callable[[Trained], np.ndarray], trained: Trained) -> tuple[np.ndarray, float]:
    start = time.process_time()
    scores = method(trained)
    return scores, time.process_time() - start


def main(seeds: int = 3, repeats: int = 5) -> None:
    """Print the table, of means over the seeds."""
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    compared = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            compared.append(compare(Size(), seed, repeats, Path(folder)))
    seconds = np.median([one.seconds for one in compared], axis=(0, 2))
    summed, agreement, half = (
        np.mean([getattr(one, name) for one in compared], 0)
        for name in ("summed", "agreement", "retrained")
    )
    typer.echo(" | ".join(["method", "lines", "s", "sum", *METHODS, "half of the samples"]))
    for k, (name, (method, beside)) in enumerate(METHODS.items()):
        row = [lines(method, beside), f"{seconds[k]:.2f}", f"{summed[k]:.2f}"]
        row += [f"{value:.2f}" for value in (*agreement[k], half[k])]
        typer.echo(" | ".join([name, *map(str, row)]))


if __name__ == "__main__":
    typer.run(main)
