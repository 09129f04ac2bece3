"""Methods of feature importance by the name that the config gives them."""

from collections.abc import Sequence

from torch import Tensor, nn

from explaind.choices import AnyFeatureMethodName
from explaind.labelfree.encoding import MEMORY
from explaind.labelfree.feature_importance import (
    FeatureMethod,
    RescaleRule,
    feature_importance,
    integrated_gradients,
    occlusion,
    saliency,
)
from explaind.labelfree.random_importance import Brightest, GradientShap, Random, RandomLit
from explaind.labelfree.units.maps import Importance


def feature_method(
    name: AnyFeatureMethodName,
    seed: int,
    *,
    steps: int,
    points: int = 5,
    window: tuple[int, ...] = (),
) -> FeatureMethod:
    """Build a method of feature importance.

    Args:
        name: which one.
        seed: seed of those with chance in them.
        steps: points of integrated gradients on the way from the baseline.
        points: random points of GradientShap, five as published.
        window: shape of the windows of occlusion, without the sample axis.

    Returns:
        The method.
    """
    methods: dict[AnyFeatureMethodName, FeatureMethod] = {
        "integrated_gradients": integrated_gradients(steps),
        "gradient_shap": GradientShap(points, seed),
        "saliency": saliency(),
        "deep_lift": RescaleRule(),
        "occlusion": occlusion(window),
        "brightest": Brightest(),
        "random_lit": RandomLit(seed),
        "random": Random(seed),
    }
    return methods[name]


def importance_of(method: FeatureMethod, baseline: Tensor, memory: int = MEMORY) -> Importance:
    """Return a method as a function of encoder and inputs.

    Args:
        method: the method.
        baseline: what stands for the absence of an input: one for all, or one for each, with a
            sample axis of length 1 or that of the inputs.
        memory: bytes that the passes of one batch may hold.

    Returns:
        The function.
    """

    def importance(
        encoder: nn.Module, inputs: Tensor, numbers: Sequence[int] | None = None
    ) -> Tensor:
        hidden = baseline.to(inputs.device)
        return feature_importance(method, encoder, inputs, hidden, numbers=numbers, memory=memory)

    return importance
