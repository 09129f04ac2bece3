"""What does each unit of an encoder look for?"""

from explaind.experiments.spec import Computed, Shown, Spec
from explaind.experiments.unit_visualisation.settings import UnitVisualisationSettings

SPEC = Spec(
    name="unit_visualisation",
    title="What units look for",
    summary="Images that make each unit of an encoder largest, and smallest.",
    settings=UnitVisualisationSettings,
    computed=Computed(reads=("dataset", "encoders"), suffix="zarr"),
    shown=Shown(tables=("units.csv",)),
)
