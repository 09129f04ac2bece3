"""Methods of feature importance by the name that the config gives them."""

from torch import Tensor, nn

from explaind.config.choices import FeatureMethodName
from explaind.labelfree.feature_importance import (
    FeatureMethod,
    feature_importance,
    integrated_gradients,
    saliency,
)
from explaind.labelfree.random_importance import GradientShap, Random
from explaind.labelfree.units import Importance


def feature_method(name: FeatureMethodName, steps: int, seed: int) -> FeatureMethod:
    """Build a method of feature importance.

    Args:
        name: which one.
        steps: points on the way from the baseline: of integrated gradients; GradientShap has the
            published five.
        seed: seed of those with chance in them.

    Returns:
        The method.
    """
    methods: dict[FeatureMethodName, FeatureMethod] = {
        "integrated_gradients": integrated_gradients(steps),
        "gradient_shap": GradientShap(seed=seed),
        "saliency": saliency(),
        "random": Random(seed),
    }
    return methods[name]


def importance_of(method: FeatureMethod, baseline: Tensor) -> Importance:
    """Return a method as a function of encoder and inputs.

    Args:
        method: the method.
        baseline: what stands for the absence of an input, with a sample axis of length 1.

    Returns:
        The function.
    """

    def importance(encoder: nn.Module, inputs: Tensor) -> Tensor:
        return feature_importance(method, encoder, inputs, baseline.to(inputs.device))

    return importance
