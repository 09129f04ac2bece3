"""One training put together of the lists, recorded and explained, beside the oracle of the same."""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path as Folder
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.utils.data import DataLoader

import explaind
from explaind.kernel.query.quadrature import Quadrature
from explaind.trees import call, leaves
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.forward_path_kernel import Decomposition, explain_outputs
from tests.oracles.recorded_path import replay
from tests.support.batches import BATCHES
from tests.support.batches import Kind as BatchKind
from tests.support.calls import PLACES, WIDTH
from tests.support.layers import LAYERS, TOKEN_LAYERS
from tests.support.layers import Kind as LayerKind
from tests.support.loops import DRAWN, LOOPS
from tests.support.loops import Kind as LoopKind
from tests.support.losses import IGNORED, LOSSES, Penalty
from tests.support.losses import Kind as LossKind
from tests.support.optimizers import OPTIMIZERS
from tests.support.optimizers import Kind as OptimizerKind

TRAIN, EXPLAINED = 8, 2
PLAIN = Quadrature(rule="gauss_legendre", subintervals=1, nodes=3, tolerance=None)
TOLERANCE = {"rtol": 1e-6, "atol": 1e-10}


class Model(nn.Module):
    """Layers one after the other, around which values are carried, and a linear layer.

    Args:
        case: what it is made of.
    """

    def __init__(self, case: "Case") -> None:
        super().__init__()
        self.words = TOKEN_LAYERS[case.tokens].make() if case.batch.tokens else nn.Identity()
        self.layers = nn.ModuleList([LAYERS[name].make() for name in case.layers])
        self.head = nn.Linear(PLACES * WIDTH, case.loss.width)
        self._stem, self._shaped, self._passes = case.batch.stem, case.loss.shaped, case.passes

    def forward(self, *inputs: Any) -> Any:
        values = self._stem(self.words, *inputs)
        for layer in self._passes * list(self.layers):
            values = 0.5 * values + torch.tanh(layer(values))
        return self._shaped(self.head(values.flatten(1)))


@dataclass(frozen=True)
class Case:
    """A training: names in the lists of this folder.

    Attributes:
        layers: layers of vectors.
        passes: how often they are called, one after the other.
        tokens: layer of token numbers, where the batches are such.
        batches: kind of batches.
        losses: kind of loss.
        optimizers: kind of optimizer.
        loops: kind of loop.
        every: checkpoint interval of the history.
        seed: of model and data.
    """

    layers: tuple[str, ...] = ("`nn.Linear`",)
    passes: int = 1
    tokens: str = "`nn.Embedding`"
    batches: str = "a tensor"
    losses: str = "cross-entropy"
    optimizers: str = "`SGD`"
    loops: str = "one step for each batch"
    every: int = 1
    seed: int = 0

    def __str__(self) -> str:
        """What differs from the simplest training."""
        differing = (f for f in fields(self) if getattr(self, f.name) != f.default)
        return ", ".join(f"{f.name}={getattr(self, f.name)}" for f in differing)

    @property
    def batch(self) -> BatchKind:
        """The kind of batches."""
        return BATCHES[self.batches]

    @property
    def loss(self) -> LossKind:
        """The kind of loss."""
        return LOSSES[self.losses]

    @property
    def loop(self) -> LoopKind:
        """The kind of loop."""
        return LOOPS[self.loops]

    @property
    def optimizer(self) -> OptimizerKind:
        """The kind of optimizer."""
        return OPTIMIZERS[self.optimizers]

    @property
    def layer_kinds(self) -> list[LayerKind]:
        """The kinds of layers, that of token numbers among them if there is one."""
        words = [TOKEN_LAYERS[self.tokens]] if self.batch.tokens else []
        return words + [LAYERS[name] for name in self.layers]

    @property
    def possible(self) -> bool:
        """Whether torch itself runs it, and it is known what comes of it.

        Few optimizers take sparse gradients; a checkpointed history refuses a step, sooner or
        later, in which a tensor is not used.
        """
        kinds = self.layer_kinds
        if self.every > 1 and not all(kind.used for kind in kinds):
            return False
        if self.loop.copies and not all(kind.copied for kind in kinds):
            return False
        if self.loop.momentum and not self.optimizer.momentum:
            return False
        takes = self.optimizer.sparse and self.loop.max_norm is None and not self.loss.penalty
        return takes or all(kind.dense for kind in kinds)

    @property
    def refusals(self) -> list[str]:
        """What a refusal may say; empty if the training is explained."""
        kinds = [*self.layer_kinds, self.loss, self.loop, self.optimizer]
        found = [kind.refused for kind in kinds if kind.refused]
        if self.every > 1 and not self.repeated:
            found.append("checkpointed history|every=1")
        return found

    @property
    def repeated(self) -> bool:
        """Whether a checkpointed history can repeat the steps."""
        summed = len(self.loop.steps[0]) > 1
        plain = self.loop.single and not (summed and self.loss.penalty)
        return self.optimizer.replayed and plain and self.loss.averaged

    @property
    def random(self) -> bool:
        """Whether a layer draws random numbers."""
        return any(kind.random for kind in self.layer_kinds)


@dataclass
class Training:
    """A case with its model, data and optimizer, as a loop finds them.

    Attributes:
        case: the case.
    """

    case: Case
    _generator: torch.Generator = field(default_factory=torch.Generator)

    def __post_init__(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.case.seed)
            self.model = Model(self.case).double()
        self._generator.manual_seed(self.case.seed + 1)
        count = TRAIN + EXPLAINED
        targets = self.case.loss.make_targets(count, self._generator)
        self.items = self.case.batch.items(count, self._generator, targets)
        self.optimizer = self.case.optimizer.make(self.model)
        make = self.case.loop.schedule
        self.schedule = make(self.optimizer) if make else None
        self.forward = self.case.batch.forward or call

    @property
    def trained(self) -> list[nn.Parameter]:
        """The trained tensors."""
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    @cached_property
    def loader(self) -> DataLoader:
        """A loader of the batches of an epoch."""
        drawn, collate = [list(batch) for batch in DRAWN], self.case.batch.collate
        return DataLoader(self.items[:TRAIN], batch_sampler=drawn, collate_fn=collate)

    def batch(self, indices: tuple[int, ...]) -> tuple[Any, Tensor]:
        """Inputs and targets of some samples."""
        return self.case.batch.batch([self.items[i] for i in indices])

    def output_of(self, batch: tuple[Any, Tensor]) -> Any:
        """What the model returns; random layers draw the same again for the same batch."""
        if self.case.random:
            torch.manual_seed(
                int(1e6 * sum(leaf.double().abs().sum() for leaf in leaves(batch[0])))
            )
        return self.forward(self.model, batch[0])

    def loss(self, output: Any, y: Tensor) -> Tensor:
        """The loss of the loop, without penalty."""
        return self.case.loss.of_batch(output, y)

    def loss_of(self, batch: Any) -> Tensor:
        """The loss of a batch of the recorder, without penalty."""
        return self.loss(self.output_of((batch.x, batch.y)), batch.y)

    def whole_loss_of(self, batch: Any) -> Tensor:
        """The loss with the penalty, if there is one."""
        penalty = self.case.loss.penalty
        loss = self.loss_of(batch)
        return loss + penalty(dict(self.model.named_parameters())) if penalty else loss

    def backward(self, batch: Any) -> Tensor:
        """Add the gradient of a batch; return its loss."""
        loss = self.whole_loss_of(batch)
        loss.backward()
        return loss

    def penalise(self) -> None:
        """Add the gradient of the penalty alone."""
        if self.case.loss.penalty:
            self.case.loss.penalty(dict(self.model.named_parameters())).backward()


def told_penalty(case: Case) -> Penalty | None:
    """The penalty that recorder and kernel are given."""
    return case.loss.penalty if case.loss.told else None


def recorded(case: Case, store: Folder) -> Training:
    """Record the training of a case as a user does."""
    training = Training(case)
    recorder = explaind.record(
        training.model,
        training.optimizer,
        case.loss.of_sample,
        store,
        penalty=told_penalty(case),
        reduction=case.loss.reduction,
        forward=training.forward,
        every=case.every,
        max_batch_size=5,
    )
    with recorder:
        case.loop.run(training, recorder)
    return training


def explained(training: Training, store: Folder, quadrature: Quadrature = PLAIN) -> xr.Dataset:
    """Explain two samples that were not trained on, by tensor."""
    case = training.case
    kernel = explaind.PathKernel(
        store,
        training.model,
        case.loss.of_sample,
        training.loader,
        penalty=told_penalty(case),
        forward=training.forward,
        quadrature=quadrature,
        components={n: n for n, p in training.model.named_parameters() if p.requires_grad},
    )
    x, y = training.batch(tuple(range(TRAIN, TRAIN + EXPLAINED)))
    return kernel.explain(x, y, case.loss.outputs)


def oracle(case: Case) -> tuple[Decomposition, list[str]]:
    """The same training and its explanation, every gradient by plain autograd, and the tensors."""
    training = Training(case)
    loss, loop = case.loss, case.loop

    drawn = iter([n for step in loop.steps for n in step for _ in DRAWN[n]])
    rows = iter([row for step in loop.steps for n in step for row in range(len(DRAWN[n]))])

    def loss_of(sample: int, _: int) -> Tensor:
        number, row = next(drawn), next(rows)
        # what a random layer draws for a sample depends on its place in the batch
        indices, row = (DRAWN[number], row) if case.random else ((sample,), 0)
        x, y = training.batch(indices)
        return loss.of_sample(training.output_of((x, y)), y)[row]

    def own_weights(indices: tuple[int, ...]) -> list[tuple[int, float]]:
        weights = loss.weights(training.batch(indices)[1])
        return list(zip(indices, (loop.share * weights).tolist(), strict=True))

    def explained_output(sample: int) -> Tensor:
        x, y = training.batch((sample,))
        return EXPLAINED_OUTPUTS[loss.outputs](loss, training.output_of((x, y)), y).flatten()

    path = replay(
        training.model,
        training.optimizer,
        loss_of,
        TRAIN,
        [[pair for number in step for pair in own_weights(DRAWN[number])] for step in loop.steps],
        scheduler=(lambda _: training.schedule) if training.schedule else None,
        max_norm=loop.max_norm,
        penalty=loss.penalty,
    )
    training.model = path.model.eval() if case.random else path.model
    outputs = [lambda i=i: explained_output(i) for i in range(TRAIN, TRAIN + EXPLAINED)]
    return explain_outputs(path, outputs, gauss_legendre_nodes(3)), list(path.tensors)


def log_probabilities(_: LossKind, output: Tensor, y: Tensor) -> Tensor:
    """Log-probability of the target, by position where there are some; 0 of one that is ignored."""
    chosen = output.log_softmax(-1).gather(-1, y.clamp(0)[..., None])[..., 0]
    return torch.where(y == IGNORED, 0.0, chosen)


EXPLAINED_OUTPUTS = {
    "all": lambda _, output, _y: output["logits"] if isinstance(output, dict) else output,
    "loss": lambda loss, output, y: loss.of_sample(output, y),
    "target_logprob": log_probabilities,
}
"""What is explained, worked out independently of the library."""


def assert_right(found: xr.Dataset, expected: Decomposition, tensors: list[str]) -> None:
    """Influence of every sample through every tensor, decay, outputs and residual."""
    dims = ("test", "output", "train", "component")
    by_tensor = found.influence_by_component.sel(component=tensors).transpose(*dims)
    scale = float(expected.influence.abs().max())
    assert scale > 1e-9
    pairs = {
        "influence by tensor": (by_tensor, expected.influence),
        "influence": (found.influence, expected.influence.sum(-1)),
        "decay": (found.decay, expected.decay),
        "initial output": (found.initial_output, expected.initial),
        "final output": (found.final_output, expected.final),
        "true change": (
            found.step_true.transpose("step", "test", "output"),
            expected.step_true,
        ),
    }
    for name, (got, want) in pairs.items():
        np.testing.assert_allclose(got.values, want.numpy(), err_msg=name, **TOLERANCE)


EACH = {
    str(case): case
    for case in (
        *(Case(layers=(name,)) for name in LAYERS),
        *(Case(batches="token numbers", tokens=name) for name in TOKEN_LAYERS),
        *(Case(batches=name) for name in BATCHES),
        *(Case(losses=name) for name in LOSSES),
        *(Case(optimizers=name) for name in OPTIMIZERS),
        *(Case(loops=name, optimizers="`AdamW`") for name in LOOPS),
    )
}
"""Every entry of the lists in the simplest training."""

CHECKPOINTED = [
    replace(case, every=2)
    for case in EACH.values()
    if case.layers == Case.layers and case.tokens == Case.tokens and not case.refusals
]
"""The losses, loops, batches and optimizers again, in a checkpointed history."""
