"""Every experiment and page there is. To add one: its import and its name in the list."""

from explaind.experiments.epk_validation import SPEC as EPK_VALIDATION
from explaind.experiments.examples import SPEC as EXAMPLES
from explaind.experiments.grokking import SPEC as GROKKING
from explaind.experiments.influence_matrices import SPEC as INFLUENCE_MATRICES
from explaind.experiments.influence_over_training import SPEC as INFLUENCE_OVER_TRAINING
from explaind.experiments.label_noise import SPEC as LABEL_NOISE
from explaind.experiments.language_influence import SPEC as LANGUAGE_INFLUENCE
from explaind.experiments.leave_group_out import SPEC as LEAVE_GROUP_OUT
from explaind.experiments.maps import SPEC as MAPS
from explaind.experiments.pruning import SPEC as PRUNING
from explaind.experiments.retrain import SPEC as RETRAIN
from explaind.experiments.sanity import SPEC as SANITY
from explaind.experiments.similarity import SPEC as SIMILARITY
from explaind.experiments.spec import Spec
from explaind.experiments.spectrum import SPEC as SPECTRUM
from explaind.experiments.swap import SPEC as SWAP
from explaind.experiments.training import SPEC as TRAINING

SPECS: dict[str, Spec] = {
    spec.name: spec
    for spec in (
        GROKKING,
        TRAINING,
        INFLUENCE_OVER_TRAINING,
        INFLUENCE_MATRICES,
        EPK_VALIDATION,
        SWAP,
        RETRAIN,
        PRUNING,
        EXAMPLES,
        SANITY,
        LABEL_NOISE,
        LEAVE_GROUP_OUT,
        SIMILARITY,
        MAPS,
        SPECTRUM,
        LANGUAGE_INFLUENCE,
    )
}
"""By kind, in the order of the reference and of the command line."""
