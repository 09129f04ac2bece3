"""How a run on modular addition learned, told by its path kernel."""

from explaind.experiments.grokking.settings import GrokkingSettings
from explaind.experiments.spec import Shown, Spec

SPEC = Spec(
    name="grokking",
    title="How the network learned to add",
    summary="From memorising to understanding: influence of training data, components and weight "
    "decay over training, and which examples helped which.",
    settings=GrokkingSettings,
    shown=Shown(
        tables=(
            "curves.csv",
            "components.csv",
            "decomposition.csv",
            "completeness.csv",
            "agreement.parquet",
            "class_maps.parquet",
            "sample_map.parquet",
        ),
        reads=("metrics", "influence", "validation"),
    ),
)
