"""Which training passages taught a held-out one, and through which of their tokens?"""

from explaind.experiments.passages.settings import PassagesSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="passages",
    title="Passages",
    summary="Held-out passages beside the training passages that made them more and less likely, "
    "token by token.",
    settings=PassagesSettings,
    computed=Computed(reads=("dataset", "history"), suffix="zarr"),
    shown=Shown(tables=("strongest.csv", "tokens.csv"), reads=("dataset",)),
)
