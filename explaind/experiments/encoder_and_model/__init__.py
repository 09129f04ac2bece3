"""Does the importance of an encoder tell what matters to the classifier on it?"""

from explaind.experiments.encoder_and_model.settings import EncoderAndModelSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="encoder_and_model",
    title="Encoder against full model",
    summary="Do importance maps of an encoder agree with those of the classifier that it is part "
    "of?",
    settings=EncoderAndModelSettings,
    computed=Computed(reads=("dataset", "encoders")),
    shown=Shown(tables=("replicates.csv", "agreement.csv")),
)
