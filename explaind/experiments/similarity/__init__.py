"""Which samples are influenced through the same parameters?"""

from explaind.experiments.similarity.settings import SimilaritySettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="similarity",
    title="Similar samples",
    summary="Which samples are influenced through the same parameters: cosines between their "
    "parameter-wise influence, by component and over training.",
    settings=SimilaritySettings,
    computed=Computed(reads=("dataset", "history"), suffix="zarr"),
    shown=Shown(
        tables=("neighbours.csv", "nearest.parquet", "development.csv", "cosines.parquet"),
        reads=("dataset", "metrics"),
    ),
)
