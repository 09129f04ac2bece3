"""The device that a name of the config stands for."""

import torch

from explaind.errors import ConfigError


def resolve_device(name: str) -> torch.device:
    """Resolve `auto`, `cpu` or `cuda`.

    Args:
        name: as in the config; `auto` is `cuda` if there is a GPU.

    Returns:
        The device.

    Raises:
        ConfigError: if a GPU is asked for and there is none.
    """
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise ConfigError(
            "device: expected a GPU for cuda, found none. Set it to auto or cpu, or check the"
            " driver and that torch was installed with CUDA."
        )
    return torch.device("cuda" if has_gpu and name != "cpu" else "cpu")
