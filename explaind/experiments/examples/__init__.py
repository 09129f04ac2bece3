"""Single validation images beside the training images that mattered most to them."""

from explaind.experiments.examples.settings import ExamplesSettings
from explaind.experiments.spec import Shown, Spec

SPEC = Spec(
    name="examples",
    title="Which training images mattered?",
    summary="Single validation images beside the training images that helped and harmed them "
    "most, in total and through each layer.",
    settings=ExamplesSettings,
    shown=Shown(
        tables=("predictions.csv", "strongest.csv"),
        reads=("dataset", "metrics", "influence", "validation"),
    ),
)
