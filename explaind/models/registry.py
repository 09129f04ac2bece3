"""Models by the name that the config gives them."""

import torch
from torch import nn

from explaind.config.model import GPTModel, Model, OwnModel, ResNet9Model, TransformerModel
from explaind.errors import ConfigError
from explaind.models.gpt import GPT
from explaind.models.resnet9 import ResNet9
from explaind.models.transformer import Transformer
from explaind.own_code import call


def build_model(settings: Model, classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    """Build a model with seeded initial parameters; `ConfigError` if it cannot take such inputs.

    Args:
        settings: the model section of a run.
        classes: number of classes of the dataset (for the transformer also its vocabulary).
        input_shape: shape of one input: `(position,)` of tokens, `(passage, position)` of text,
            `(channel, row, column)` of an image.

    Returns:
        The model, in evaluation mode.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        if isinstance(settings, OwnModel):
            return _own(settings).eval()
        if isinstance(settings, ResNet9Model):
            return _resnet9(settings, classes, input_shape).eval()
        if isinstance(settings, GPTModel):
            size = settings.layers, settings.width, settings.heads, settings.tied
            return GPT(classes, input_shape[-1], *size).eval()
        return _transformer(settings, classes).eval()


def components_of(model: nn.Module) -> dict[str, str]:
    """Return the component of each parameter tensor, as the model names them."""
    return dict(getattr(model, "components", {}))


def _transformer(settings: TransformerModel, classes: int) -> Transformer:
    model = Transformer(classes, settings.width, settings.heads, settings.mlp_width)
    with torch.no_grad():
        model.embedding.weight.mul_(settings.embedding_std)  # drawn with standard deviation 1
    return model


def _own(settings: OwnModel) -> nn.Module:
    built = call(settings.kind, settings.arguments, "model.kind")
    if not isinstance(built, nn.Module):
        raise ConfigError(
            f"model.kind: expected {settings.kind} to return a torch.nn.Module, got"
            f" {type(built).__name__}; change it."
        )
    return built


def _resnet9(settings: ResNet9Model, classes: int, input_shape: tuple[int, ...]) -> ResNet9:
    if len(input_shape) != 3 or min(input_shape[1:]) < ResNet9.smallest_side:
        side = ResNet9.smallest_side
        raise ConfigError(
            f"resnet9: expected images of at least {side} x {side} pixels, got inputs of shape"
            f" {input_shape}; set `resize` of the dataset, or use another model."
        )
    return ResNet9(input_shape[0], classes, settings.width, settings.log_softmax)
