"""Exact path kernels: how each training sample and component moved a model's outputs.

The names of the library API load on first use (PEP 562), so that ``import explaind.report`` does
not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explaind.data.augmentation import RandomHorizontalFlip
    from explaind.history.recording.recorder import record
    from explaind.kernel.explain_to_store import explain_to_store
    from explaind.kernel.explanation import open_explanation
    from explaind.kernel.path_kernel import PathKernel

__version__ = "0.1.0"
__all__ = [
    "PathKernel",
    "RandomHorizontalFlip",
    "__version__",
    "explain_to_store",
    "open_explanation",
    "record",
]

_HOME = {
    "record": "explaind.history.recording.recorder",
    "PathKernel": "explaind.kernel.path_kernel",
    "explain_to_store": "explaind.kernel.explain_to_store",
    "open_explanation": "explaind.kernel.explanation",
    "RandomHorizontalFlip": "explaind.data.augmentation",
}


def __getattr__(name: str) -> object:
    """Import the module that defines a public name when the name is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'explaind' has no attribute {name!r}; it has {__all__}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
