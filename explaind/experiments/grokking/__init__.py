"""The story of a run that grokked: its phases, their evidence, and the claims of the paper."""

from explaind.experiments.grokking.settings import GrokkingSettings
from explaind.experiments.spec import Shown, Spec

SPEC = Spec(
    name="grokking",
    title="How the network learned to add",
    summary="From memorising to understanding: the phases of the training, the evidence for each, "
    "and every claim of the paper beside what this run shows.",
    settings=GrokkingSettings,
    shown=Shown(
        tables=("curves.csv", "cancellation.csv", "phases.csv", "verdicts.csv"),
        reads=("dataset", "metrics", "influence", "validation"),
        results={
            kind: kind
            for kind in (
                "influence_over_training",
                "similarity",
                "spectrum",
                "swap",
                "retrain",
            )
        },
    ),
)
