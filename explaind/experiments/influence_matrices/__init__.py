"""Which training pairs influenced which validation pairs, through what, and when?"""

from explaind.experiments.influence_matrices.settings import InfluenceMatricesSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="influence_matrices",
    title="Influence matrices",
    summary="Which training samples influenced which validation samples: through every component, "
    "in every interval and in single steps.",
    settings=InfluenceMatricesSettings,
    computed=Computed(reads=("dataset", "history", "metrics", "influence"), suffix="zarr"),
    shown=Shown(
        tables=("curves.csv", "class_maps.parquet", "matrices.parquet", "sums.csv"),
        reads=("dataset", "metrics", "influence"),
    ),
)
