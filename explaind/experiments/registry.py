"""Every experiment and page there is. To add one: its import and its name in the list."""

from explaind.experiments.disentanglement import SPEC as DISENTANGLEMENT
from explaind.experiments.encoder_and_model import SPEC as ENCODER_AND_MODEL
from explaind.experiments.epk_validation import SPEC as EPK_VALIDATION
from explaind.experiments.example_consistency import SPEC as EXAMPLE_CONSISTENCY
from explaind.experiments.examples import SPEC as EXAMPLES
from explaind.experiments.feature_consistency import SPEC as FEATURE_CONSISTENCY
from explaind.experiments.grokking import SPEC as GROKKING
from explaind.experiments.influence_matrices import SPEC as INFLUENCE_MATRICES
from explaind.experiments.influence_over_training import SPEC as INFLUENCE_OVER_TRAINING
from explaind.experiments.label_noise import SPEC as LABEL_NOISE
from explaind.experiments.labelfree import SPEC as LABELFREE
from explaind.experiments.language_claims import SPEC as LANGUAGE_CLAIMS
from explaind.experiments.language_influence import SPEC as LANGUAGE_INFLUENCE
from explaind.experiments.leave_group_out import SPEC as LEAVE_GROUP_OUT
from explaind.experiments.linear_probe import SPEC as LINEAR_PROBE
from explaind.experiments.maps import SPEC as MAPS
from explaind.experiments.parallel_parts import SPEC as PARALLEL_PARTS
from explaind.experiments.passages import SPEC as PASSAGES
from explaind.experiments.pretext_examples import SPEC as PRETEXT_EXAMPLES
from explaind.experiments.pretext_features import SPEC as PRETEXT_FEATURES
from explaind.experiments.pruning import SPEC as PRUNING
from explaind.experiments.retrain import SPEC as RETRAIN
from explaind.experiments.roar import SPEC as ROAR
from explaind.experiments.sanity import SPEC as SANITY
from explaind.experiments.similarity import SPEC as SIMILARITY
from explaind.experiments.single_steps import SPEC as SINGLE_STEPS
from explaind.experiments.spec import Spec
from explaind.experiments.spectrum import SPEC as SPECTRUM
from explaind.experiments.swap import SPEC as SWAP
from explaind.experiments.training import SPEC as TRAINING
from explaind.experiments.unit_visualisation import SPEC as UNIT_VISUALISATION

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
        FEATURE_CONSISTENCY,
        EXAMPLE_CONSISTENCY,
        PRETEXT_FEATURES,
        PRETEXT_EXAMPLES,
        DISENTANGLEMENT,
        UNIT_VISUALISATION,
        ENCODER_AND_MODEL,
        LINEAR_PROBE,
        ROAR,
        LABELFREE,
        LANGUAGE_INFLUENCE,
        LANGUAGE_CLAIMS,
        SINGLE_STEPS,
        PASSAGES,
        PARALLEL_PARTS,
    )
}
"""By kind, in the order of the reference and of the command line."""
