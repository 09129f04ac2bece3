"""The options of `PathKernel.explain`, for functions that pass them on.

They are written down once more so that such a function says which it takes: a wrong name or type is
found before anything is computed.
"""

from collections.abc import Collection, Sequence
from typing import TypedDict

from explaind.kernel.functionals import OutputFunction


class DivisionOptions(TypedDict, total=False):
    """How an explained output is divided, whatever it is.

    Attributes:
        intervals: number of equal training intervals.
        credit: interval that influence is credited to.
        keep: array(s) to keep.
        top: most helpful and most harmful training samples kept.
        train_samples: training samples that the influence arrays keep.
        groups: group label of every training sample.
        segment: `(k, n)` explains only part k of n of the steps.
    """

    intervals: int
    credit: str
    keep: Collection[str]
    top: int
    train_samples: Collection[int] | None
    groups: Sequence[str | int] | None
    segment: tuple[int, int]


class ExplainOptions(DivisionOptions, total=False):
    """All of them.

    Attributes:
        outputs: what to explain.
        block: samples per forward pass on the query side.
    """

    outputs: str | OutputFunction
    block: int
