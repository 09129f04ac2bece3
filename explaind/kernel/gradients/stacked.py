"""Stacked passes: the model at several points of the path at once.

The pass of a small model is calls more than work. With parameters `[point, param]`, `vmap` makes
one pass for all points. Layer inputs and output gradients of a point lie behind those of the point
before it, so that the layer rules see one batch.
"""

import logging
import warnings
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import vmap

from explaind.errors import UnsupportedError
from explaind.history.layout import ParameterLayout
from explaind.kernel.gradients.capture import LayerCapture
from explaind.kernel.gradients.captured_batch import CapturedBatch, output_gradients
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.kernel.gradients.watched import Noted, Shifted
from explaind.kernel.nonsmooth.secant import Op, SecantEnds, recorded, secant_slopes
from explaind.trees import Inputs, Targets, batch_size, leaves, map_leaves, rows_of

logger = logging.getLogger(__name__)

TOLERANCE = 1e-3
"""Largest relative difference of a stacked pass from plain ones."""

MOST_POINTS = 32
"""Points of a stacked pass: with more, a pass is all work."""

LEAST_POINTS = 4
"""Points below which stacked passes cost more than they save."""

MOST_BYTES = 64 * 2**20
"""Memory for the stacked passes of several steps."""

MOST_NUMBERS = 2**23
"""Numbers of all gradients of a step above which its passes are work enough."""

FEW = 3
"""Samples of which passes are compared with plain ones."""

COPIES = 16
"""Copies of a layer output that are held: inputs and gradients at the nodes of two levels."""

PATH_COPIES = 8
"""Copies of the parameters that are held: the path, its motion and parts, and the nodes."""


Ends = tuple[list[Op], list[Op]]
"""Piecewise-linear ops at the starts and at the ends of subintervals, one around each point; their
tensors have the point before the sample."""


class StackedSamples(NamedTuple):
    """Samples at several points: as many at each.

    Attributes:
        x: inputs, sample first; where they are `apart`, the point before the sample.
        y: targets, likewise.
        apart: whether the points have samples of their own.
    """

    x: Inputs
    y: Targets
    apart: bool

    @property
    def size(self) -> int:
        """Samples of a point."""
        size: int = leaves(self.x)[0].shape[1 if self.apart else 0]
        return size


class StackedPasses:
    """Passes of a function at several points of the path.

    Args:
        gradients: its per-sample gradients, all by layer rules.
        theta: some parameters.
        x: inputs of a few samples.
        y: their targets.
    """

    def __init__(
        self, gradients: PerSampleGradients, theta: Float[Tensor, " param"], x: Inputs, y: Targets
    ) -> None:
        self._function, self._layout = gradients.function, gradients.layout
        self._shared = gradients.fallback.shared
        noted = Noted()
        params = self._layout.unflatten(theta)
        with torch.no_grad(), LayerCapture(params, x, self._shared, noted):
            h = self._function(params, x, y)
        self._outputs = [(output.shape[1:], output.dtype) for output in noted.outputs]
        numbers = COPIES * sum(output[0].numel() for output in noted.outputs)
        self._sample_bytes = h[0].numel() * numbers * theta.itemsize
        self._param_bytes = PATH_COPIES * theta.nbytes

    def bytes_of_point(self, samples: int) -> int:
        """Return the memory for passes of so many samples, by point."""
        return samples * self._sample_bytes + self._param_bytes

    def points(self, samples: int) -> int:
        """Return the number of points at which it pays to pass so many samples at once."""
        return min(MOST_POINTS, MOST_BYTES // self.bytes_of_point(samples))

    def values(
        self, theta: Float[Tensor, "point param"], samples: StackedSamples, recording: bool
    ) -> tuple[Float[Tensor, "row ..."], list[Op]]:
        """Evaluate the function.

        Args:
            theta: the points.
            samples: the samples.
            recording: whether to note piecewise-linear ops.

        Returns:
            Its values, sample by sample and those of a point together, and the ops of the pass.
        """
        ops: list[Op] = []

        def value(theta: Tensor, x: Inputs, y: Targets) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
            params = self._layout.unflatten(theta)
            if not recording:
                return self._function(params, x, y), []
            h, ops[:] = recorded(self._function, params, x, y)
            return h, [op.tensors for op in ops]

        apart = 0 if samples.apart else None
        with torch.no_grad():
            h, tensors = vmap(value, (0, apart, apart))(theta, samples.x, samples.y)
        found = zip(ops, tensors, strict=True)
        return h.flatten(0, 1), [op.of([t.flatten(0, 1) for t in own]) for op, own in found]

    def capture(
        self,
        theta: Float[Tensor, "point param"],
        samples: StackedSamples,
        ends: Ends | None = None,
    ) -> CapturedBatch:
        """Forward and backward pass at all points.

        Args:
            theta: the points.
            samples: the samples.
            ends: if given, piecewise-linear ops pass gradients with their secant slopes between
                these.

        Returns:
            Layer inputs and output gradients, those of a point together.

        Raises:
            UnsupportedError: if no layer rule knows what the model does with so many samples.
        """
        captures: list[LayerCapture] = []
        points, size = len(theta), samples.size
        zeros = [
            torch.zeros(points, size, *shape, dtype=dtype, device=theta.device, requires_grad=True)
            for shape, dtype in self._outputs
        ]
        of_points = [] if ends is None else [t for ops in ends for op in ops for t in op.tensors]

        def value(
            theta: Tensor, zeros: list[Tensor], slopes: list[Tensor], x: Inputs, y: Targets
        ) -> tuple[Tensor, list[dict[str, Tensor]]]:
            params = self._layout.unflatten(theta)
            capture = LayerCapture(params, x, self._shared, Shifted(zeros))
            captures.append(capture)
            of_point = None if ends is None else SecantEnds(theta, theta, *_inside(ends, slopes))
            with capture, secant_slopes(of_point):
                h = self._function(params, x, y)
            return h, [rule.tensors() for rule in capture.rules]

        apart = 0 if samples.apart else None
        with torch.enable_grad():
            passes = vmap(value, (0, 0, 0, apart, apart))
            h, tensors = passes(theta, zeros, of_points, samples.x, samples.y)
            (capture,) = captures
            if capture.fallback or capture.chooses or len(capture.rules) < len(zeros):
                raise UnsupportedError("The model uses its parameters otherwise in other batches.")
            h = h.flatten(0, 1)
            deltas = output_gradients(h, zeros)
        rules = [
            rule.with_tensors({name: value.flatten(0, 1) for name, value in own.items()})
            for rule, own in zip(capture.rules, tensors, strict=True)
        ]
        return CapturedBatch(
            h, rules, [None if delta is None else delta.flatten(1, 2) for delta in deltas]
        )


def _inside(ends: Ends, tensors: list[Tensor]) -> Ends:
    """The ends with other tensors."""
    left = iter(tensors)
    start, end = ([op.of([next(left) for _ in op.tensors]) for op in ops] for ops in ends)
    return start, end


def stacked_passes(
    gradients: PerSampleGradients,
    theta: Float[Tensor, " param"],
    x: Inputs,
    y: Targets,
    recording: bool,
) -> StackedPasses | None:
    """Return stacked passes of a function, if torch can make them and they equal plain ones.

    Args:
        gradients: per-sample gradients of the function.
        theta: parameters to try them at.
        x: inputs of the samples that are to be passed.
        y: their targets.
        recording: whether piecewise-linear ops have secant slopes.

    Returns:
        The passes; None where it does not pay, there are tensors without a layer rule, or torch
        has no batching rule for a function that the model calls.
    """
    fallback, function, samples = gradients.fallback, gradients.function, batch_size(x)
    known = not fallback.names and fallback.batched and function.state is None
    if not known or samples * len(theta) > MOST_NUMBERS:
        return None
    points = torch.stack([theta, 1.125 * theta])
    few = rows_of(x, 0, FEW), rows_of(y, 0, FEW)
    turned = [map_leaves(lambda leaf: torch.stack([leaf, leaf.flip(0)]), tree) for tree in few]
    together, apart = StackedSamples(*few, False), StackedSamples(turned[0], turned[1], True)
    try:
        passes = StackedPasses(gradients, theta, few[0], few[1])
        if passes.points(samples) < LEAST_POINTS:
            return None
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="There is a performance drop")  # by vmap
            passes.values(points, StackedSamples(x, y, False), recording)  # can it be done at all?
            equal = [
                _equal(passes, gradients, points, each, recording) for each in (together, apart)
            ]
    except Exception as error:  # noqa: BLE001 (torch and the model may raise anything)
        logger.debug("no stacked passes: %s", error)
        return None
    return passes if all(equal) else None


def _equal(
    passes: StackedPasses,
    gradients: PerSampleGradients,
    theta: Float[Tensor, "point param"],
    samples: StackedSamples,
    recording: bool,
) -> bool:
    """Whether a stacked pass at some points gives what a plain pass at each gives."""
    h, ops = passes.values(theta, samples, recording)
    shape = len(theta), samples.size
    stacked = [op.of([t.view(*shape, *t.shape[1:]) for t in op.tensors]) for op in ops]
    found = passes.capture(theta, samples, (stacked, stacked) if recording else None)
    for number, point in enumerate(theta):
        rows, (x, y) = slice(number * samples.size, (number + 1) * samples.size), samples[:2]
        if samples.apart:
            x, y = (map_leaves(lambda leaf, at=number: leaf[at], tree) for tree in (x, y))
        own = None
        if recording:
            own_ops = [op.of([tensor[rows] for tensor in op.tensors]) for op in ops]
            own = SecantEnds(point, point, own_ops, own_ops)
        values = gradients.function(gradients.layout.unflatten(point), x, y)
        alike = found.of_samples(rows), gradients.capture(point, x, y, own)
        if not _close(h[rows], values) or not _of_equal_gradients(*alike, gradients.layout):
            return False
    return True


def _of_equal_gradients(
    found: CapturedBatch, expected: CapturedBatch, layout: ParameterLayout
) -> bool:
    everything = slice(0, found.samples)
    for slot in layout.slots:
        parts = [slice(0, slot.entries)]
        (got,) = found.gradients(slot, everything, parts)
        (want,) = expected.gradients(slot, everything, parts)
        if not _close(got, want):
            return False
    return True


def _close(got: Tensor, want: Tensor) -> bool:
    scale = want.abs().max() + torch.finfo(want.dtype).tiny
    return got.shape == want.shape and bool((got - want).abs().max() <= TOLERANCE * scale)
