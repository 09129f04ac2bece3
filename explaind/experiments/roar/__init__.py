"""Remove what a method calls important, train again: how much worse does it get?"""

from explaind.experiments.roar.settings import RoarSettings, parts
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="roar",
    title="Remove and retrain (ROAR)",
    summary="An autoencoder is trained again on images without the pixels that a method calls most "
    "important: the better the method, the worse the reconstruction.",
    settings=RoarSettings,
    computed=Computed(reads=("dataset", "encoders"), minutes=480, parts=parts),
    shown=Shown(tables=("losses.csv", "curves.csv")),
)
