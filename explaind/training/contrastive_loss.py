"""The contrastive loss of SimCLR, NT-Xent (Chen et al., 2020, arXiv 2002.05709)."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def nt_xent(
    projections: Float[Tensor, "image 2 projected"], temperature: float
) -> Float[Tensor, " image"]:
    """Contrastive loss of two views of each image: its views are to be closest to each other.

    With the 2B views in one list, `s` their cosines over the temperature and `p(i)` the other view
    of the image of `i`, that of a view is `-log(exp s[i, p(i)] / sum_{j != i} exp s[i, j])`. No
    similarity is clamped: a clamp would take the gradients of dissimilar pairs.

    Args:
        projections: projections of both views of each image.
        temperature: what cosines are divided by, above 0.

    Returns:
        The loss of every image, nat, mean over its two views.
    """
    count = len(projections)
    views = functional.normalize(projections.transpose(0, 1).flatten(0, 1), dim=1)
    itself = torch.eye(2 * count, dtype=torch.bool, device=views.device)
    similarities = (views @ views.T / temperature).masked_fill(itself, float("-inf"))
    partners = torch.arange(2 * count, device=views.device).roll(count)
    losses = functional.cross_entropy(similarities, partners, reduction="none")
    return losses.view(2, count).mean(0)
