"""Do encoders trained for different tasks look at the same pixels?"""

from explaind.experiments.pretext_features.settings import PretextFeaturesSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="pretext_features",
    title="Pretext tasks and features",
    summary="Do encoders that were trained for different tasks find the same parts of an input "
    "important?",
    settings=PretextFeaturesSettings,
    computed=Computed(reads=("dataset", "encoders"), suffix="zarr"),
    shown=Shown(tables=("correlations.csv",), reads=("dataset",)),
)
