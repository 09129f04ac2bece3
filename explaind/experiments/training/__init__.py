"""The metrics of a training run in detail."""

from explaind.experiments.spec import Shown, Spec
from explaind.experiments.training.settings import TrainingSettings

SPEC = Spec(
    name="training",
    title="Training curves",
    summary="Loss, accuracy, parameter norms and optimizer settings after every step.",
    settings=TrainingSettings,
    shown=Shown(tables=("metrics.csv",), reads=("metrics",)),
)
