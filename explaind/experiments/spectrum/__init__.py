"""Which frequencies a network adds with, as its weights, similarity and influence show them."""

from explaind.experiments.spec import Computed, Shown, Spec
from explaind.experiments.spectrum.settings import SpectrumSettings

SPEC = Spec(
    name="spectrum",
    title="Frequencies",
    summary="Which waves over the sum (a + b) mod p explain the weights, the similarity of samples "
    "and the influence between them?",
    settings=SpectrumSettings,
    computed=Computed(
        reads=("dataset", "history", "influence"),
        results={"similarity": "similarity"},
        minutes=60,
    ),
    shown=Shown(tables=("spectrum.csv", "key_frequencies.csv"), reads=("metrics", "influence")),
)
