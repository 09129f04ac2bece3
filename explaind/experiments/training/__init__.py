"""How a network learned: what was measured of it, and what the path kernel says of every step."""

from explaind.experiments.spec import Shown, Spec
from explaind.experiments.training.settings import TrainingSettings

SPEC = Spec(
    name="training",
    title="How it learned",
    summary="Loss, accuracy and norms over the training, and what training data, regularisation "
    "and each component did at every step.",
    settings=TrainingSettings,
    shown=Shown(
        tables=("metrics.csv", "decomposition.csv", "components.csv", "cancellation.csv"),
        reads=("metrics", "influence"),
    ),
)
