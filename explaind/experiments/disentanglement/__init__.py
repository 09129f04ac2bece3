"""Do the units of variational autoencoders attend to other pixels if beta is larger?"""

from explaind.experiments.disentanglement.settings import DisentanglementSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="disentanglement",
    title="Disentangled units",
    summary="Do the latent units of variational autoencoders attend to different pixels, and more "
    "so if beta asks for independent units?",
    settings=DisentanglementSettings,
    computed=Computed(reads=("dataset", "encoders"), suffix="zarr"),
    shown=Shown(tables=("models.csv", "effects.csv", "units.csv")),
)
