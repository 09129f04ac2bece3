"""Do the most important training samples share the label of the test sample?"""

from explaind.experiments.example_consistency.settings import ExampleConsistencySettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="example_consistency",
    title="Consistency of example importance",
    summary="Are the training samples that label-free methods call important of the class of the "
    "explained sample? By the loss, by the representation, and by the path kernel.",
    settings=ExampleConsistencySettings,
    computed=Computed(reads=("dataset", "encoders")),
    shown=Shown(tables=("rates.csv", "areas.csv", "checks.csv")),
)
