"""Causal language models of transformers as models of the workflow."""

import re

from jaxtyping import Float, Int
from torch import Tensor, nn

from explaind.errors import ConfigError
from explaind.own_code import find

LAYER = re.compile(r"\b(?:h|layers|blocks)\.(\d+)\.(\w+)")
KINDS = {
    "norms": re.compile(r"norm|ln_"),
    "attention": re.compile(r"attn|attention"),
    "MLP": re.compile(r"mlp|ffn|feed_forward|fc\d"),
}
"""What a module of a layer is, by its name; the first that fits, for norms are called after what
they stand before."""

EMBEDDING = re.compile(r"embed(?!_out)|\bw[tp]e\b")


class CausalModel(nn.Module):
    """Next-token logits of a model of transformers at every position of some passages.

    Args:
        model: the model; it takes `input_ids` and returns `logits`.

    Attributes:
        components: component of every parameter tensor, called as in `models.gpt`: embedding,
            output and, of each layer, attention, MLP and norms. What is none of these within a
            layer keeps the name of its module.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.components = {name: _component(name) for name, _ in self.named_parameters()}

    def forward(
        self, tokens: Int[Tensor, "batch *passage position"]
    ) -> Float[Tensor, "batch *passage position token"]:
        """Logits of the next token.

        Args:
            tokens: token numbers; a sample may be several passages, which do not see each other.

        Returns:
            The logits after each position.
        """
        passages = tokens.flatten(0, -2)
        logits: Tensor = self.model(input_ids=passages, use_cache=False).logits
        return logits.reshape(*tokens.shape, -1)


def causal_model(model: str, **config: object) -> CausalModel:
    """Build a causal model with new parameters: `kind` of a model in the config.

    Args:
        model: its class, `transformers:GPT2LMHeadModel`, say.
        config: options of the configuration of that class: sizes, and no dropout. `vocab_size` is
            the number of tokens of the dataset.

    Returns:
        The model.

    Raises:
        ConfigError: if the class is no model of transformers.
    """
    found = find(model, "model.model")
    configuration = getattr(found, "config_class", None)
    if configuration is None:
        raise ConfigError(
            f"model.model: expected a model of transformers, transformers:GPT2LMHeadModel say, got"
            f" {model}; change it."
        )
    return CausalModel(found(configuration(**config)))


def _component(name: str) -> str:
    """The component that a parameter tensor is reported with."""
    found = LAYER.search(name)
    if found is None:
        return "embedding" if EMBEDDING.search(name) else "output"
    number, module = found.groups()
    kind = next((kind for kind, called in KINDS.items() if called.search(module)), module)
    return f"layer {int(number) + 1} {kind}"
