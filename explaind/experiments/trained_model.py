"""The network at the end of its recorded training."""

from torch import nn

from explaind.config import Config
from explaind.models.registry import build_model
from explaind.pipeline.load_kernel import RunKernel


def trained_model(config: Config, opened: RunKernel, run: str) -> nn.Module:
    """Build the network of a run with its trained parameters, on the device of the run.

    Args:
        config: the whole configuration.
        opened: the opened run.
        run: its name.
    """
    history, data = opened.kernel.history, opened.data
    model = build_model(config.runs[run].model, data.classes, data.input_shape)
    trained = history.layout.unflatten(history.theta(history.steps))
    model.load_state_dict({**history.constants(), **trained})
    return model.to(history.device)
