"""Do two importance maps of the same image agree?"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from explaind.labelfree.units.maps import Importance, Inputs, Unit


def image_correlations(
    first: Inputs,
    second: Inputs,
    counted: Bool[Tensor, "image ..."],
) -> Float[Tensor, " image"]:
    """Correlate two maps of every image, over some of its features.

    Features of the background, zero in both maps, would make any two maps agree: leave them out.

    Args:
        first: importance without sign.
        second: that of something else.
        counted: the features that count, e.g. where the input is not zero.

    Returns:
        Pearson's correlation of each image, float64; NaN if a map is constant on what counts.
    """
    weights = counted.flatten(1).double()
    count = weights.sum(1, keepdim=True)
    deviations = []
    for maps in (first, second):
        flat = maps.flatten(1).double()
        deviations.append(weights * (flat - (weights * flat).sum(1, keepdim=True) / count))
    a, b = deviations
    lengths: Tensor = torch.linalg.vector_norm(a, dim=1) * torch.linalg.vector_norm(b, dim=1)
    return (a * b).sum(1) / lengths


def predicted_class_importance(model: nn.Module, inputs: Inputs, importance: Importance) -> Inputs:
    """Attribute to the features the logit of the class that is predicted.

    This is what one explains of a classifier that has labels. Each is multiplied by the logit, as
    in the label-free importance of an encoder with a single unit, which no correlation sees.

    Args:
        model: a classifier with logits `[sample, class]`, in evaluation mode.
        inputs: what is explained.
        importance: a method.

    Returns:
        The importance.
    """
    with torch.no_grad():
        predicted = model(inputs).argmax(1)
    result = torch.empty_like(inputs)
    for label in predicted.unique():
        rows = (predicted == label).nonzero()[:, 0]
        result[rows] = importance(Unit(model, int(label)), inputs[rows], rows.tolist())
    return result
