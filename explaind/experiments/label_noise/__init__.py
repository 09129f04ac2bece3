"""Training samples with flipped labels: are they found by their influence?"""

from explaind.experiments.label_noise.settings import LabelNoiseSettings
from explaind.experiments.spec import Computed, Spec

SPEC = Spec(
    name="label_noise",
    title="Flipped labels",
    summary="Flip training labels, train again, and look for them by influence and other scores.",
    settings=LabelNoiseSettings,
    computed=Computed(reads=("dataset",), trains=True, minutes=480),
)
