"""The class names of the published package (`explaind` 0.0.2), on the engine of this one.

Scripts written for it run with other imports; what differs is in `docs/migration.md`. New code is
shorter with `explaind.record` and `explaind.PathKernel`, and keeps no history in memory.
"""

from explaind.compat.data_path import DataPath
from explaind.compat.exact_path_kernel_model import ExactPathKernelModel
from explaind.compat.losses import RegularizedCrossEntropyLoss
from explaind.compat.model_path import ModelPath
from explaind.compat.optimizer_paths import AdamWOptimizerPath, SGDOptimizerPath

__all__ = [
    "AdamWOptimizerPath",
    "DataPath",
    "ExactPathKernelModel",
    "ModelPath",
    "RegularizedCrossEntropyLoss",
    "SGDOptimizerPath",
]
