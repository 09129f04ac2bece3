"""Sanity checks: influence against flipped labels and against retraining without samples."""

from explaind.experiments.sanity.settings import SanitySettings
from explaind.experiments.spec import Shown, Spec

SPEC = Spec(
    name="sanity",
    title="Sanity checks",
    summary="Does influence find flipped labels, and does removing training samples do what it "
    "says?",
    settings=SanitySettings,
    shown=Shown(
        tables=(
            "roc.csv",
            "aucs.csv",
            "auc_comparison.csv",
            "groups.csv",
            "correlations.csv",
            "targets.parquet",
        ),
        results={"label_noise": "label_noise", "leave_group_out": "leave_group_out"},
    ),
)
