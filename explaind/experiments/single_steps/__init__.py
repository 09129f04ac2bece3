"""How well do single steps from checkpoints represent the whole training?"""

from explaind.experiments.single_steps.settings import SingleStepsSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="single_steps",
    title="Single steps against the whole training",
    summary="What single steps, each from a checkpoint as if nothing else were known, say of the "
    "influence of languages over the whole training.",
    settings=SingleStepsSettings,
    computed=Computed(reads=("dataset", "history", "influence"), suffix="zarr"),
    shown=Shown(
        tables=("pairs.csv", "intervals.csv", "parts.csv", "components.csv"),
        reads=("dataset", "influence"),
    ),
)
