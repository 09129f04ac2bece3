"""The trained network without its least important parameters, by influence and other scores."""

from explaind.experiments.pruning.settings import PruningSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="pruning",
    title="Pruning by influence",
    summary="Parameters through which the training data did little are removed: what is left, "
    "against other ways to choose them.",
    settings=PruningSettings,
    computed=Computed(reads=("dataset", "history")),
    shown=Shown(tables=("means.csv", "comparison.csv", "layers.parquet")),
)
