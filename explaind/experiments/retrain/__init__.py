"""How fast does a network learn that starts with parts of the trained one?"""

from explaind.experiments.retrain.settings import RetrainSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="retrain",
    title="Retraining with transplanted components",
    summary="Components of the network at several steps are transplanted into random networks, "
    "which are then trained: how many steps do they need to generalise?",
    settings=RetrainSettings,
    computed=Computed(
        reads=("dataset", "history"), trains=True, minutes=480, parts=RetrainSettings.parts
    ),
    shown=Shown(tables=("steps.csv", "trainings.csv", "curves.csv"), reads=("metrics",)),
)
