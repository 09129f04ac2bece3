"""torchvision's datasets, also beside a torch that its compiled operators do not fit."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch

from explaind.errors import UnsupportedError

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def torchvision_datasets() -> ModuleType:
    """The module `torchvision.datasets`.

    Raises:
        UnsupportedError: if torchvision is not installed.
    """
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise UnsupportedError(
            "This dataset comes through torchvision, which is not installed. Expected the extra"
            " `vision`: pip install --constraint constraints.txt --editable .[vision], in the"
            " checkout. Or give the images as an .npz file (kind: npz)."
        )
    if not _operators_fit(Path(spec.origin).with_name("_C.so")):
        _declare_operators()
    return import_module("torchvision.datasets")


def _operators_fit(library: Path) -> bool:
    """Whether the compiled operators load; a build for CUDA does not beside a torch without it."""
    try:
        torch.ops.load_library(library)  # type: ignore[no-untyped-call]
    except OSError:
        return False
    return True


@cache
def _declare_operators() -> torch.library.Library:
    """Declare the operators that the import of torchvision refers to; no dataset calls them.

    The declarations last as long as the object returned.
    """
    declared = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in SCHEMAS:
        declared.define(schema)  # type: ignore[no-untyped-call]
    return declared
