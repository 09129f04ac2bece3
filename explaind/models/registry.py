"""Models by the name that the config gives them."""

import torch
from torch import nn

from explaind.config.model import Model
from explaind.models.transformer import Transformer


def build_model(settings: Model, classes: int) -> nn.Module:
    """Build a model with seeded initial parameters.

    Args:
        settings: the model section of a run.
        classes: number of classes of the dataset (for the transformer also its vocabulary).

    Returns:
        The model, in evaluation mode.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = Transformer(classes, settings.width, settings.heads, settings.mlp_width)
        with torch.no_grad():
            model.embedding.weight.mul_(settings.embedding_std)  # drawn with standard deviation 1
    return model.eval()


def components_of(model: nn.Module) -> dict[str, str]:
    """Component of each parameter tensor, as the model class names them."""
    return dict(getattr(type(model), "components", {}))
