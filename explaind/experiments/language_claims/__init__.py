"""What is claimed of the languages of a pre-training, and what is found over several seeds."""

from explaind.experiments.language_claims.settings import LanguageClaimsSettings
from explaind.experiments.spec import Shown, Spec

SPEC = Spec(
    name="language_claims",
    title="Languages: the claims",
    summary="Do the MLPs of the outer layers carry the influence first, and does intermediate "
    "attention follow? Over several seeds, with what they agree on.",
    settings=LanguageClaimsSettings,
    shown=Shown(
        tables=("verdicts.csv", "shares.csv", "nearest.csv", "seeds.csv"),
        reads=("dataset", "influence"),
    ),
)
