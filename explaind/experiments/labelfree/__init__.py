"""What is claimed of label-free explanations, and what is found here."""

from explaind.experiments.labelfree.settings import LabelfreeSettings
from explaind.experiments.spec import Shown, Spec

SPEC = Spec(
    name="labelfree",
    title="Explaining without labels: the claims",
    summary="Every claim about label-free explanations beside the published numbers and those "
    "found here, as published and corrected.",
    settings=LabelfreeSettings,
    shown=Shown(
        tables=("verdicts.csv",),
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
