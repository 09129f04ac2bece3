"""The options of `explaind.record`, for callbacks that pass them on.

They are written down once more so that a callback says which it takes: a wrong name or type is
found before a training begins.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from explaind.history.schema import Reduction
from explaind.trees import Augmentation, Forward, Penalty


class RecordOptions(TypedDict, total=False):
    """All of them.

    Attributes:
        every: checkpoint interval, in steps.
        reduction: how the loop reduces the losses of a batch.
        components: component name by parameter tensor.
        metrics: names that `Recorder.log` will be given.
        resume: go on from the last checkpoint.
        overwrite: remove a store that exists.
        attributes: further group attributes of the store, JSON only.
        max_batch_size: largest batch.
        chunk: steps per chunk of the store.
        augment: what is done to the batches that the recorder yields.
        penalty: explicit regulariser that the loop adds.
        forward: how the loop calls the model.
    """

    every: int
    reduction: Reduction
    components: Mapping[str, str] | None
    metrics: Iterable[str]
    resume: bool
    overwrite: bool
    attributes: Mapping[str, Any] | None
    max_batch_size: int | None
    chunk: int | None
    augment: Augmentation | None
    penalty: Penalty | None
    forward: Forward
