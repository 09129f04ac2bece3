"""Do representations move most when the most important features are hidden?"""

from explaind.experiments.feature_consistency.settings import FeatureConsistencySettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="feature_consistency",
    title="Consistency of feature importance",
    summary="Does a representation move most when the features are hidden that a label-free method "
    "calls important? Beside controls that know no encoder.",
    settings=FeatureConsistencySettings,
    computed=Computed(reads=("dataset", "encoders")),
    shown=Shown(tables=("shifts.csv", "areas.csv")),
)
