"""Which language teaches which, through which layers, and when?"""

from explaind.experiments.language_influence.settings import LanguageInfluenceSettings
from explaind.experiments.spec import Shown, Spec

SPEC = Spec(
    name="language_influence",
    title="Languages",
    summary="What text in one language did to the prediction of another: by layer, over training.",
    settings=LanguageInfluenceSettings,
    shown=Shown(
        tables=("influence.parquet", "shares.csv", "nearest.csv", "parts.csv", "steps.csv"),
        reads=("dataset", "influence"),
    ),
)
