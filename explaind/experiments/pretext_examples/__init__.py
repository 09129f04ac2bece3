"""Do encoders trained for different tasks learn from the same training samples?"""

from explaind.experiments.pretext_examples.settings import PretextExamplesSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="pretext_examples",
    title="Pretext tasks and examples",
    summary="Do encoders that were trained for different tasks represent the same training samples "
    "alike?",
    settings=PretextExamplesSettings,
    computed=Computed(reads=("dataset", "encoders"), suffix="zarr"),
    shown=Shown(tables=("correlations.csv", "nearest.csv"), reads=("dataset",)),
)
