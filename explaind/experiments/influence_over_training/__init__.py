"""What every component and regularisation did over the training, and when they balance."""

from explaind.experiments.influence_over_training.settings import InfluenceOverTrainingSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="influence_over_training",
    title="Influence over training",
    summary="What training data and regularisation did through every component, step by step, and "
    "when the two balance.",
    settings=InfluenceOverTrainingSettings,
    computed=Computed(reads=("dataset", "history")),
    shown=Shown(
        tables=("steps.parquet", "balance.csv", "crossings.csv"), reads=("metrics", "influence")
    ),
)
