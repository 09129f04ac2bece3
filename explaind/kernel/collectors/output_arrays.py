"""Output arrays: what of an explanation is kept, and the collectors that make it."""

from dataclasses import dataclass
from numbers import Integral

from torch import Tensor

from explaind.choices import CREDITS, OUTPUT_ARRAYS, OutputArray
from explaind.errors import ConfigError
from explaind.kernel.collectors.collector import Collector, QuerySums
from explaind.kernel.collectors.decomposition import StepDecomposition
from explaind.kernel.collectors.influence import DenseInfluence
from explaind.kernel.collectors.parameters import ParameterScores
from explaind.kernel.collectors.strongest import TopInfluence
from explaind.kernel.collectors.training_axis import SampleGroups, SampleSelection
from explaind.kernel.trajectory.intervals import Segment, interval_bounds, interval_of

DEFAULT_ARRAYS: tuple[OutputArray, ...] = (
    "influence",
    "component",
    "interval",
    "step_component",
    "absolute",
)

BY_COMPONENT = frozenset({"component", "interval", "absolute", "top_component"})
"""Output arrays that split the influence of single samples by component."""

DENSE = frozenset({"influence", "component", "interval"})
"""Output arrays with an axis of training samples."""


@dataclass(frozen=True)
class OutputArrays:
    """What of an explanation is kept. Totals per query and step always are.

    Attributes:
        keep: some of `OUTPUT_ARRAYS`.
        intervals: number of equal training intervals.
        credit: the step whose interval influence is credited to: where the gradient was computed,
            or where momentum applied it.
        top: most helpful and most harmful training samples kept with `top` and `top_component`.
        train_samples: training samples that the influence arrays keep; None = all.
        groups: group of every training sample, if the influence arrays are summed by group.
    """

    keep: frozenset[str]
    intervals: int = 1
    credit: str = "gradient_step"
    top: int = 10
    train_samples: tuple[int, ...] | None = None
    groups: tuple[str | int, ...] | None = None

    def __post_init__(self) -> None:
        """Check names and numbers.

        Raises:
            ConfigError: naming the argument.
        """
        unknown = sorted(self.keep - set(OUTPUT_ARRAYS))
        if unknown:
            raise ConfigError(f"keep: unknown {unknown}, expected some of {OUTPUT_ARRAYS}.")
        if self.credit not in CREDITS:
            raise ConfigError(f"credit: expected one of {CREDITS}, got {self.credit!r}.")
        for name in ("intervals", "top"):
            number = getattr(self, name)
            if not isinstance(number, Integral) or number < 1:
                raise ConfigError(f"{name}: expected a whole number, at least 1, got {number}.")
        if self.groups is not None and self.train_samples is not None:
            raise ConfigError(
                "groups: expected none beside train_samples; sums by group are over all training"
                " samples. Give one of them."
            )

    @property
    def by_component(self) -> bool:
        """Whether anything kept splits the influence of single samples by component."""
        return bool(self.keep & BY_COMPONENT)

    @property
    def splits_adjoint(self) -> bool:
        """Whether the adjoint must tell the intervals apart in which the parameters moved."""
        return "interval" in self.keep and self.credit == "application_step"


def make_collectors(
    outputs: OutputArrays,
    segment: Segment,
    steps: int,
    samples: int,
    like: Tensor,
) -> list[Collector]:
    """Make the collectors that the output arrays need, and no others.

    Args:
        outputs: what is kept.
        segment: the steps that are explained.
        steps: number of steps of the whole run.
        samples: number of training samples.
        like: a tensor of the type and on the device of the computation.

    Returns:
        The collectors; their arrays have different names.
    """
    bounds = interval_bounds(steps, outputs.intervals)
    last = segment.warm_up if outputs.splits_adjoint else segment.stop
    intervals = range(interval_of(bounds, segment.start), interval_of(bounds, last - 1) + 1)
    collectors: list[Collector] = [
        QuerySums(bounds[intervals.start : intervals.stop + 1], like),
        StepDecomposition(range(segment.start, segment.stop), outputs.keep),
    ]
    if outputs.keep & DENSE:
        axis = (
            SampleSelection(samples, outputs.train_samples)
            if outputs.groups is None
            else SampleGroups(outputs.groups, samples)
        )
        collectors.append(DenseInfluence(outputs.keep, axis, intervals, like))
    for name, by_component in (("top", False), ("top_component", True)):
        if name in outputs.keep:
            collectors.append(TopInfluence(outputs.top, samples, by_component, segment.whole, like))
    if "parameter" in outputs.keep:
        collectors.append(ParameterScores(bounds, intervals, like))
    return collectors
