"""Does reading a part in one language help the same part in another more than other parts?"""

from explaind.experiments.parallel_parts.settings import ParallelPartsSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="parallel_parts",
    title="Parallel parts",
    summary="Does reading an article in one language help the same article in another one more "
    "than other articles?",
    settings=ParallelPartsSettings,
    computed=Computed(reads=("dataset", "history"), suffix="zarr"),
    shown=Shown(tables=("pairs.csv", "parts.csv")),
)
