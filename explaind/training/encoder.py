"""Training of an encoder: selected on samples that are held out, recorded if that is asked for."""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explaind.config.encoder import Encoder
from explaind.data.load import LoadedDataset
from explaind.data.perturbation import VALIDATION
from explaind.device import resolve_device
from explaind.errors import RecordingError
from explaind.history.batches import Batch
from explaind.history.recording.recorder import Recorder, record
from explaind.models.encoders.network import EncoderNetwork
from explaind.models.encoders.registry import build_network
from explaind.training.encoder_state import EncoderState
from explaind.training.optimizer import build_optimizer
from explaind.training.order import batches_from, batches_of_epoch
from explaind.training.pretext import PretextTask, held_out, pretext_task
from explaind.training.train import keep_if_of

logger = logging.getLogger(__name__)

BLOCK = 512  # samples per forward pass when the loss is measured
LEARNED = 0.9  # of the loss with inputs of other samples: above it, inputs hardly matter


@dataclass(frozen=True)
class Samples:
    """Part of the training samples, as an encoder is trained on them.

    Attributes:
        x: clean inputs.
        y: targets.
        rows: position of each in the training part of the dataset.
    """

    x: Tensor
    y: Tensor
    rows: Tensor


def replicate_seed(settings: Encoder, replicate: int) -> int:
    """Return the seed of a replicate; every other seed or replicate has another one."""
    return int(np.random.SeedSequence([settings.seed, replicate]).generate_state(1)[0])


def split_samples(
    settings: Encoder, data: LoadedDataset, task: PretextTask
) -> tuple[Samples, Samples]:
    """Split the training part of a dataset; its validation part is not touched.

    Args:
        settings: the section of the encoder.
        data: the dataset.
        task: what the encoder is trained to do.

    Returns:
        The samples that are trained on, and those that select the weights; every replicate has the
        same.
    """
    fitted, held = (
        Samples(data.x_train[rows], task.target(data.x_train[rows], data.y_train[rows]), rows)
        for rows in held_out(len(data.x_train), settings.validation, settings.seed)
    )
    return fitted, held


def train_network(
    settings: Encoder,
    data: LoadedDataset,
    replicate: int,
    checkpoint: Path,
    path: Path,
    origin: Mapping[str, Any],
) -> tuple[EncoderNetwork, EncoderState]:
    """Train an encoder; go on where an earlier call was stopped.

    A network that cannot take the inputs is refused (`ConfigError`), and so is a loss that becomes
    NaN (`RecordingError`).

    Args:
        settings: the section of the encoder.
        data: the dataset.
        replicate: number of the replicate, from 0.
        checkpoint: file of the state after each epoch.
        path: store of the recorded path, if it is recorded.
        origin: what the training is made with, JSON only.

    Returns:
        The network with the weights that were selected, in evaluation mode, and how it learned.
    """
    seed, device = replicate_seed(settings, replicate), resolve_device(settings.device)
    data = data.to(device)
    task = pretext_task(settings.pretext, seed, len(data.x_train))
    network = build_network(settings, data.classes, data.input_shape, seed).to(device)
    optimizer = build_optimizer(settings.optimizer, network)
    fitted, held = split_samples(settings, data, task)
    training = EncoderTraining(settings, seed, task, network, optimizer, fitted, held)
    state = EncoderState.load(checkpoint, origin)
    with ExitStack() as stack:
        recorder = None
        if settings.history is None:
            state.restore(network, optimizer)
        else:
            keep_if_of(path, origin)
            recorder = stack.enter_context(training.record(path, settings.history, origin))
            state = state.shortened(recorder.steps // training.steps_per_epoch)
        while not training.is_over(state):
            training.epoch(state, recorder)
            state.save(checkpoint, origin)
    if settings.patience is not None:
        network.load_state_dict(state.best)
    network.eval()
    training.warn_if_unlearned()
    return network, state


@dataclass(frozen=True)
class EncoderTraining:
    """The training of one replicate.

    Attributes:
        settings: the section of the encoder.
        seed: seed of the replicate.
        task: what it is trained to do.
        network: the network.
        optimizer: its optimizer.
        fitted: samples that it is trained on.
        held: samples that select the weights.
    """

    settings: Encoder
    seed: int
    task: PretextTask
    network: EncoderNetwork
    optimizer: torch.optim.Optimizer
    fitted: Samples
    held: Samples

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch."""
        settings = self.settings
        return batches_of_epoch(
            len(self.fitted.x), settings.batch_size, drop_last=settings.drop_last
        )

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step, the first of which is 0."""
        full = self.settings.optimizer.learning_rate
        if self.settings.schedule == "constant":
            return full
        share = step / (self.settings.epochs * self.steps_per_epoch)
        return full * (1 + math.cos(math.pi * share)) / 2

    def record(self, path: Path, every: int, origin: Mapping[str, Any]) -> Recorder:
        """Return the recorder of the path; it may have recorded steps before."""
        return record(
            self.network,
            self.optimizer,
            self.task.loss_fn,
            path,
            every=every,
            resume=True,
            attributes=origin,
            max_batch_size=self.settings.batch_size,
            chunk=self.steps_per_epoch,  # a checkpoint after each epoch
            augment=self.task.perturb,
        )

    def is_over(self, state: EncoderState) -> bool:
        """Return whether all epochs are done, or too many without a lower validation loss."""
        patience = self.settings.patience
        if state.epochs == self.settings.epochs:
            return True
        return bool(state.epochs) and patience is not None and _since_best(state) >= patience

    def epoch(self, state: EncoderState, recorder: Recorder | None) -> None:
        """Go once through the samples, measure, and note the result in the state.

        Args:
            state: where the training stands; replaced by where it stands after.
            recorder: of the path; it may have recorded the first steps of the epoch.
        """
        start = state.epochs * self.steps_per_epoch if recorder is None else recorder.steps
        stop = (state.epochs + 1) * self.steps_per_epoch
        drawn = (start, self.fitted.x, self.fitted.y, self.settings.batch_size, self.seed)
        endless = batches_from(*drawn, drop_last=self.settings.drop_last)
        batches: Iterable[Batch] = islice(endless, stop - start)
        device = self.fitted.x.device
        # what a network draws is a function of the epoch as well
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(self.seed + state.epochs)
            self.network.train()
            if recorder is None:
                batches = self._perturbed(batches, start)
            else:
                batches = recorder.batches(batches)
            for step, batch in enumerate(batches, start):
                for group in self.optimizer.param_groups:
                    group["lr"] = self.learning_rate(step)
                self._step(batch)
            self.network.eval()
            for name, samples in (("train", self.fitted), ("validation", self.held)):
                curve = state.curves.setdefault(f"{name}_loss", [])
                curve.append(self._loss(samples))
        state.note(self.network, self.optimizer)
        if _since_best(state) == 0:
            state.best = state.network
        logger.info("epoch %d: %s", state.epochs, {k: v[-1] for k, v in state.curves.items()})

    def warn_if_unlearned(self) -> None:
        """Say so if held-out samples fare no better with their own input than with another one.

        Small networks often predict the mean target for hundreds of steps before they look at
        their input; what is explained of such an encoder says nothing. A contrastive loss has no
        target that could be compared with another input.
        """
        if self.settings.pretext.kind == "contrastive":
            return
        own = self._loss(self.held)
        other = self._loss(replace(self.held, x=self.held.x.roll(1, 0)))
        logger.info("loss of held-out samples: %.4g, with inputs of others: %.4g", own, other)
        if own > LEARNED * other:
            logger.warning(
                "The encoder has hardly learned anything of its inputs: the loss of held-out"
                " samples is %.4g, and %.4g if each is given the input of another one. Train for"
                " more epochs, or at another learning rate.",
                own,
                other,
            )

    def _step(self, batch: Batch) -> None:
        self.optimizer.zero_grad()
        loss = self.task.loss_fn(self.network(batch.x), batch.y).mean()
        if not math.isfinite(float(loss.detach())):
            raise RecordingError(
                f"The training loss is {float(loss.detach())}. Lower the learning rate."
            )
        torch.autograd.backward(loss)
        self.optimizer.step()

    def _perturbed(self, batches: Iterable[Batch], start: int) -> Iterator[Batch]:
        """The batches as a recorder would give them."""
        perturb = self.task.perturb
        for step, batch in zip(count(start), batches, strict=False):
            yield (
                batch if perturb is None else replace(batch, x=perturb(batch.x, batch.index, step))
            )

    @torch.no_grad()
    def _loss(self, samples: Samples) -> float:
        """Mean loss over samples, at most as many as are held out, perturbed alike every time."""
        total, measured = 0.0, min(len(self.held.x), len(samples.x))
        for block in torch.split(torch.arange(measured), BLOCK):
            x, y, perturb = samples.x[block], samples.y[block], self.task.perturb
            seen = x if perturb is None else perturb(x, samples.rows[block], VALIDATION)
            total += float(self.task.loss_fn(self.network(seen), y).double().sum())
        return total / measured


def _since_best(state: EncoderState) -> int:
    """Epochs since the first one with the lowest validation loss."""
    curve = state.curves["validation_loss"]
    return len(curve) - 1 - curve.index(min(curve))
