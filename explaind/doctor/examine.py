"""A rehearsal: a few steps of a copy of a training are recorded and explained.

So everything is tried by the checks that recording and explaining have themselves.
"""

import copy
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from math import ceil, sqrt
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader

from explaind.doctor.diagnosis import Diagnosis, Finding, listed
from explaind.errors import ExplaindError
from explaind.history.history import History
from explaind.history.recorder import record
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
        rehearsal = _Rehearsal(training, Path(folder) / "history.zarr")
        stages = {
            "parameters": rehearsal.parameters,
            "recording": rehearsal.recording,
            "explaining": rehearsal.explaining,
            "gradients": rehearsal.gradients,
            "cost": rehearsal.cost,
        }
        for about, stage in stages.items():
            try:
                findings.extend(stage())
            except ExplaindError as error:
                findings.append(Finding(about, "refused", str(error)))
                break
            except Exception as error:  # noqa: BLE001 of the model, the loss or the data
                failure = f"failed, {described(error)}; fix it, and ask again"
                findings.append(Finding(about, "refused", failure))
                break
    return Diagnosis(tuple(findings))


class _Rehearsal:
    """A few steps of a copy of a training.

    Args:
        training: the training.
        store: where they are recorded.
    """

    def __init__(self, training: Training, store: Path) -> None:
        model = unwrapped(training.model)
        model, optimizer = copy.deepcopy(
            (model, unwrapped_optimizer(training.optimizer)), computed_tensors(model)
        )
        self._training = replace(training, model=model, optimizer=optimizer)
        self._store = store
        self._device = next(model.parameters()).device
        self._seconds = 0.0  # of a step
        self._batches = 0

    def parameters(self) -> Iterator[Finding]:
        """What is trained, and by what."""
        model, optimizer = self._training.model, self._training.optimizer
        state = TrainingState(model, optimizer, None)
        layout = state.layout
        yield Finding("optimizer", "ok", f"{type(optimizer).__name__} is linear in the gradients")
        yield Finding(
            "parameters",
            "ok",
            f"{layout.size:,} in {len(layout.slots)} tensors, components"
            f" {listed(layout.components)}",
        )
        if state.constants:
            names = listed(state.constants)
            yield Finding("constant tensors", "note", f"taken as they are, not explained: {names}")

    def recording(self) -> Iterator[Finding]:
        """Take the steps: determinism, independence, gradients are checked at the first one."""
        t = self._training
        with record(
            t.model, t.optimizer, t.loss_fn, self._store, penalty=t.penalty, forward=t.forward
        ) as recorder:
            for batch in chain.from_iterable(recorder.batches(t.loader) for _ in range(REHEARSED)):
                begin = time.monotonic()
                t.optimizer.zero_grad()
                x, y = on_device((batch.x, batch.y), self._device)
                loss = t.loss_fn(t.forward(t.model, x), y).mean()
                if t.penalty is not None:
                    loss = loss + t.penalty(dict(t.model.named_parameters()))
                loss.backward()  # type: ignore[no-untyped-call]
                t.optimizer.step()
                self._seconds = time.monotonic() - begin  # the last one has no first-step checks
                if recorder.steps == REHEARSED:
                    break
            self._batches = recorder.steps
        drawn = History(self._store).drawn_on is not None
        chance = "its random numbers are recorded" if drawn else "nothing random"
        yield Finding("determinism", "ok", f"the same inputs give the same outputs; {chance}")
        yield Finding("independence", "ok", "the loss of a sample does not depend on its batch")
        yield Finding("gradient", "ok", "that of the mean of loss_fn, plus penalty if there is one")

    def explaining(self) -> Iterator[Finding]:
        """Explain them: samples must be the same when asked for again, and parts add up."""
        t = self._training
        kernel = PathKernel(
            self._store,
            t.model,
            t.loss_fn,
            t.loader,
            penalty=t.penalty,
            forward=t.forward,
            device=self._device,
        )
        self._kernel, self._samples = kernel, (data := kernel.data)
        few = data.batch(torch.arange(min(EXPLAINED, len(data))), 0)
        explained = kernel.explain(*few, outputs=t.outputs, keep=())
        yield Finding("samples", "ok", f"{len(data):,}, the same when they are asked for again")
        yield Finding(
            "completeness",
            "ok",
            f"the influence of all samples adds up to what {self._batches} steps did, but for"
            f" {explained.attrs['completeness_error']:.1e} of it",
        )

    def gradients(self) -> Iterator[Finding]:
        """Say where gradients of single samples come from, and measure what a sample costs."""
        t, history = self._training, self._kernel.history
        two = self._samples.batch(torch.arange(2) % len(self._samples), 0)
        function = find_functional(t.outputs, t.loss_fn, self._kernel.output_unit).function
        steps = t.steps or len(t.loader)
        self._sizes = Sizes(
            **recorded_sizes(history, 1) | {"steps": steps, "block_steps": ceil(sqrt(steps))},
            **measured_sizes(history, t.model, function, t.loss_fn, two, t.forward),
            train=len(self._samples),
            samples=t.samples,
            intervals=1,
            keep=tuple(DEFAULT_ARRAYS),
            kept_train=len(self._samples),
            top=10,
            adjoint_parts=1,
            subintervals=1,
            refines=True,
        )
        fallback = [layer.name for layer in without_rule(self._sizes)]
        by_rule = len(self._sizes.layers) - len(fallback)
        yield Finding("layer rules", "ok", f"give the gradients of {by_rule} tensors")
        if fallback:
            how = "vmap" if self._sizes.batched else "one autograd call per sample, which is slow,"
            yield Finding("fallback", "note", f"{how} gives those of {listed(fallback)}")

    def cost(self) -> Iterator[Finding]:
        """Say what recording and explaining cost."""
        sizes, device = self._sizes, self._device
        cores = torch.get_num_threads()
        plan = build_plan(sizes, this_machine(device, memory_in_use(device), cores, None), "auto")
        job = plan["jobs"]["predict_epk"]
        yield Finding(
            "recording",
            "ok",
            f"{sizes.steps:,} steps take {bytes_text(sizes.history_bytes)} of disk, and about"
            f" {time_text(sizes.steps * self._seconds)}",
        )
        yield Finding(
            "explaining",
            "ok",
            f"{sizes.samples:,} samples take {bytes_text(job['peak_bytes'])} of memory in"
            f" {plan['blocks']} blocks of {plan['samples_per_block']}, and about"
            f" {time_text(job['seconds'])}",
        )
