"""Maps of the samples in three dimensions, by their parameter-wise influence."""

from explaind.experiments.maps.settings import MapsSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="maps",
    title="Maps of samples",
    summary="Every sample as a point, near those that are influenced through the same parameters.",
    settings=MapsSettings,
    computed=Computed(results={"similarity": "similarity"}, minutes=30),
    shown=Shown(tables=("points.csv",), reads=("dataset",), results={"similarity": "similarity"}),
)
