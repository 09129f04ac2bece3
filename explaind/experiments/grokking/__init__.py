"""How a network learned modular addition: which pairs of numbers helped which."""

from explaind.experiments.grokking.settings import GrokkingSettings
from explaind.experiments.spec import Shown, Spec

SPEC = Spec(
    name="grokking",
    title="How the network learned to add",
    summary="From memorising to understanding: which examples of modular addition helped which, "
    "before and after the network generalised.",
    settings=GrokkingSettings,
    shown=Shown(
        tables=("curves.csv", "cancellation.csv"),
        reads=("dataset", "metrics", "influence", "validation"),
    ),
)
