"""What is claimed of label-free explanations, and what is found here."""

from explaind.experiments.labelfree.settings import LabelfreeSettings
from explaind.experiments.spec import Shown, Spec

SPEC = Spec(
    name="labelfree",
    title="Explaining without labels: the claims",
    summary="Which claims about label-free explanations hold, as published and corrected: beside "
    "the published numbers, those of every dataset here.",
    settings=LabelfreeSettings,
    shown=Shown(
        tables=("verdicts.csv", "outcomes.csv", "numbers.csv", "completeness.csv"),
        results={
            kind: kind
            for kind in (
                "feature_consistency",
                "example_consistency",
                "pretext_features",
                "pretext_examples",
                "disentanglement",
                "encoder_and_model",
                "roar",
            )
        },
    ),
)
