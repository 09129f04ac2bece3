"""How far the path kernel can be trusted."""

from explaind.experiments.epk_validation.settings import EpkValidationSettings
from explaind.experiments.spec import Shown, Spec

SPEC = Spec(
    name="epk_validation",
    title="Validation of the path kernel",
    summary="How closely the explanation reproduces the network, output by output and step by "
    "step.",
    settings=EpkValidationSettings,
    shown=Shown(
        tables=(
            "statistics.csv",
            "outputs.parquet",
            "steps.csv",
            "decomposition.csv",
            "completeness.csv",
            "cancellation.csv",
        ),
        reads=("metrics", "influence", "validation"),
    ),
)
