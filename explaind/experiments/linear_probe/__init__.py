"""What of the classes can be read off a representation?"""

from explaind.experiments.linear_probe.settings import LinearProbeSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="linear_probe",
    title="Linear probe",
    summary="How well can a linear classifier tell the classes apart by a representation, beside "
    "the raw inputs and an encoder that was not trained?",
    settings=LinearProbeSettings,
    computed=Computed(reads=("dataset", "encoders")),
    shown=Shown(tables=("accuracy.csv", "replicates.csv")),
)
