"""A rehearsal: a few steps of a copy of a training are recorded and explained.

So everything is tried by the checks that recording and explaining have themselves.
"""

import copy
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from math import ceil, sqrt
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader

from explaind.doctor.diagnosis import Diagnosis, Finding, listed
from explaind.errors import ExplaindError
from explaind.history.recording.recorder import record
from explaind.history.state import TrainingState
from explaind.history.wrappers import computed_tensors, unwrapped, unwrapped_optimizer
from explaind.kernel.collectors.output_arrays import DEFAULT_ARRAYS
from explaind.kernel.functionals import find_functional
from explaind.kernel.path_kernel import PathKernel
from explaind.own_code import described
from explaind.plan.build import build_plan
from explaind.plan.machine import memory_in_use, this_machine
from explaind.plan.measure import measured_sizes, recorded_sizes
from explaind.plan.routes import without_rule
from explaind.plan.sizes import Sizes
from explaind.plan.table import bytes_text, time_text
from explaind.trees import Forward, LossFunction, Penalty, call, on_device

REHEARSED = 3
"""Steps: the last one has momentum, and none of the checks that are made now and then."""

EXPLAINED = 2
"""Training samples whose loss is explained after them."""


@dataclass(frozen=True)
class Training:
    """A training, as `explaind.record` and `explaind.PathKernel` are given it.

    Attributes:
        model: the model as it is trained, in the mode that it is trained in.
        optimizer: its optimizer, without steps.
        loss_fn: `(model output, targets) -> per-sample losses`.
        loader: a loader over a map-style dataset.
        steps: steps of the whole training; None = those of one epoch.
        samples: samples to be explained, one output each.
        outputs: what is to be explained of them.
        penalty: what the loop adds to the mean of the losses.
        forward: how the loop calls the model.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    loss_fn: LossFunction
    loader: DataLoader  # type: ignore[type-arg]
    steps: int | None = None
    samples: int = 100
    outputs: str = "loss"
    penalty: Penalty | None = None
    forward: Forward = call

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return next(self.model.parameters()).device


def examine(training: Training) -> Diagnosis:
    """Say what will be recorded, what is refused and why, and what it costs.

    Model and optimizer are copied, not changed. The loop is taken to be the plain one, a step per
    batch on the mean of the losses.

    Args:
        training: the training.

    Returns:
        What was found; what is refused is a finding, not an error.
    """
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            findings.extend(_rehearsal(training, Path(folder) / "history.zarr"))
        except _RefusedError as refused:
            findings.append(refused.finding)
    return Diagnosis(tuple(findings))


class _RefusedError(Exception):
    """What ends a rehearsal.

    Args:
        finding: which part was refused, and why.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


@contextmanager
def _stage(about: str) -> Iterator[None]:
    try:
        yield
    except ExplaindError as error:
        raise _RefusedError(Finding(about, "refused", str(error))) from error
    except Exception as error:  # of the model, the loss or the data
        failure = f"failed, {described(error)}; fix it, and ask again"
        raise _RefusedError(Finding(about, "refused", failure)) from error


def _copied(training: Training) -> Training:
    """The same training of a copy of the model, inside of what it is wrapped in."""
    model = unwrapped(training.model)
    model, optimizer = copy.deepcopy(
        (model, unwrapped_optimizer(training.optimizer)), computed_tensors(model)
    )
    return replace(training, model=model, optimizer=optimizer)


def _rehearsal(training: Training, store: Path) -> Iterator[Finding]:
    """Take a few steps of a copy and explain them; what is recorded lies in the store."""
    with _stage("parameters"):
        training = _copied(training)
        yield from _parameters(training)
    with _stage("recording"):
        seconds = yield from _recording(training, store)
    with _stage("explaining"):
        kernel = yield from _explaining(training, store)
    with _stage("gradients"):
        sizes = yield from _gradients(training, kernel)
    with _stage("cost"):
        yield from _cost(sizes, seconds, training.device)


def _parameters(training: Training) -> Iterator[Finding]:
    """What is trained, and by what."""
    state = TrainingState(training.model, training.optimizer, None)
    layout, kind = state.layout, type(training.optimizer).__name__
    yield Finding("optimizer", "ok", f"{kind} is linear in the gradients")
    yield Finding(
        "parameters",
        "ok",
        f"{layout.size:,} in {len(layout.slots)} tensors, components {listed(layout.components)}",
    )
    if state.constants:
        names = listed(state.constants)
        yield Finding("constant tensors", "note", f"taken as they are, not explained: {names}")


def _recording(t: Training, store: Path) -> Generator[Finding, None, float]:
    """Take the steps: determinism, independence, gradients are checked at the first one.

    Yields:
        What is found.

    Returns:
        Seconds of the last step, which has none of these checks.
    """
    seconds = 0.0
    with record(
        t.model, t.optimizer, t.loss_fn, store, penalty=t.penalty, forward=t.forward
    ) as recorder:
        for batch in chain.from_iterable(recorder.batches(t.loader) for _ in range(REHEARSED)):
            begin = time.monotonic()
            t.optimizer.zero_grad()
            x, y = on_device((batch.x, batch.y), t.device)
            loss = t.loss_fn(t.forward(t.model, x), y).mean()
            if t.penalty is not None:
                loss = loss + t.penalty(dict(t.model.named_parameters()))
            loss.backward()  # type: ignore[no-untyped-call]
            t.optimizer.step()
            seconds = time.monotonic() - begin
            if recorder.steps == REHEARSED:
                break
    yield Finding("independence", "ok", "the loss of a sample does not depend on its batch")
    yield Finding("gradient", "ok", "that of the mean of loss_fn, plus penalty if there is one")
    return seconds


def _explaining(t: Training, store: Path) -> Generator[Finding, None, PathKernel]:
    """Explain the steps: samples must be the same when asked for again, and parts add up.

    Yields:
        What is found.

    Returns:
        What explains them.
    """
    kernel = PathKernel(
        store, t.model, t.loss_fn, t.loader, penalty=t.penalty, forward=t.forward, device=t.device
    )
    drawn = kernel.history.drawn_on is not None
    chance = "its random numbers are recorded" if drawn else "nothing random"
    yield Finding("determinism", "ok", f"the same inputs give the same outputs; {chance}")
    samples = len(kernel.data)
    few = kernel.data.batch(torch.arange(min(EXPLAINED, samples)), 0)
    explained = kernel.explain(*few, outputs=t.outputs, keep=())
    yield Finding("samples", "ok", f"{samples:,}, the same when they are asked for again")
    yield Finding(
        "completeness",
        "ok",
        f"the influence of all samples adds up to what {kernel.history.steps} steps did, but for"
        f" {explained.attrs['completeness_error']:.1e} of it",
    )
    return kernel


def _gradients(t: Training, kernel: PathKernel) -> Generator[Finding, None, Sizes]:
    """Say where gradients of single samples come from, and measure what a sample costs.

    Yields:
        What is found.

    Returns:
        The sizes of the whole training and of what is to be explained.
    """
    history, samples = kernel.history, len(kernel.data)
    two = kernel.data.batch(torch.arange(2) % samples, 0)
    function = find_functional(t.outputs, t.loss_fn, kernel.output_unit).function
    steps = t.steps or len(t.loader)
    sizes = Sizes(
        **recorded_sizes(history, 1) | {"steps": steps, "block_steps": ceil(sqrt(steps))},
        **measured_sizes(history, t.model, function, t.loss_fn, two, t.forward),
        train=samples,
        samples=t.samples,
        intervals=1,
        keep=tuple(DEFAULT_ARRAYS),
        kept_train=samples,
        top=10,
        adjoint_parts=1,
        subintervals=1,
        refines=True,
    )
    fallback = [layer.name for layer in without_rule(sizes)]
    by_rule = len(sizes.layers) - len(fallback)
    yield Finding("layer rules", "ok", f"give the gradients of {by_rule} tensors")
    if fallback:
        how = "vmap" if sizes.batched else "one autograd call per sample, which is slow,"
        yield Finding("fallback", "note", f"{how} gives those of {listed(fallback)}")
    return sizes


def _cost(sizes: Sizes, seconds: float, device: torch.device) -> Iterator[Finding]:
    """Say what recording, at so many seconds a step, and explaining cost."""
    cores = torch.get_num_threads()
    plan = build_plan(sizes, this_machine(device, memory_in_use(device), cores, None), "auto")
    job = plan["jobs"]["predict_epk"]
    yield Finding(
        "recording",
        "ok",
        f"{sizes.steps:,} steps take {bytes_text(sizes.history_bytes)} of disk, and about"
        f" {time_text(sizes.steps * seconds)}",
    )
    yield Finding(
        "explaining",
        "ok",
        f"{sizes.samples:,} samples take {bytes_text(job['peak_bytes'])} of memory in"
        f" {plan['blocks']} blocks of {plan['samples_per_block']}, and about"
        f" {time_text(job['seconds'])}",
    )
