"""Image datasets that torchvision downloads, checked against its checksums."""

import logging
import time
from functools import cache
from http.client import HTTPException
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from explaind.data.images import ImageSource
from explaind.errors import DataError, UnsupportedError
from explaind.store.lock import only_writer
from explaind.trees import Data

logger = logging.getLogger(__name__)

CLASS_OF = {"mnist": "MNIST", "cifar2": "CIFAR10", "cifar10": "CIFAR10", "cifar100": "CIFAR100"}
"""Name in torchvision of each kind of dataset."""

ATTEMPTS = 3
PAUSE = 5.0  # seconds before the second attempt, twice that before the third

OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
"""Compiled operators that the import of torchvision refers to."""


def downloaded_source(kind: str, folder: Path) -> ImageSource:
    """Read a dataset, after downloading what is not there yet.

    What cannot be downloaded is refused with what to do by hand (`DataError`).

    Args:
        kind: one of `CLASS_OF`.
        folder: where torchvision keeps its files; one process at a time works there.

    Returns:
        The images.
    """
    family = getattr(torchvision_datasets(), CLASS_OF[kind])
    with only_writer(folder / CLASS_OF[kind], wait=True):
        train = _downloaded(family, folder)
        test = family(folder, train=False)
    return ImageSource(
        x_train=_images(train),
        y_train=np.array(train.targets, dtype=np.int64),
        x_test=_images(test),
        y_test=np.array(test.targets, dtype=np.int64),
        index_train=np.arange(len(train)),
        index_test=np.arange(len(test)),
        class_names=tuple(name.partition(" - ")[0] for name in train.classes),  # "0 - zero" is "0"
        provenance=f"torchvision {version('torchvision')}, {family.__name__}, checksums as there",
    )


def _downloaded(family: Data, folder: Path) -> Data:
    """Return the training part; files that are there and whole are not downloaded again.

    Raises:
        DataError: if no attempt succeeds.
    """
    attempt = 1
    while True:
        try:
            return family(folder, train=True, download=True)
        except (OSError, HTTPException, RuntimeError) as error:  # RuntimeError: a wrong checksum
            _remove_damaged(family, folder)
            if attempt == ATTEMPTS:
                raise DataError(_by_hand(family, folder, error)) from error
            logger.warning("%s: download failed (%s), trying again", family.__name__, error)
        time.sleep(PAUSE * attempt)
        attempt += 1


def _archives(family: Data, folder: Path) -> list[tuple[str, Path, str]]:
    """Return address, place and md5 of each file that is downloaded."""
    if hasattr(family, "tgz_md5"):
        return [(family.url, folder / family.filename, family.tgz_md5)]
    raw = folder / family.__name__ / "raw"
    return [(f"{family.mirrors[0]}{name}", raw / name, md5) for name, md5 in family.resources]


def _remove_damaged(family: Data, folder: Path) -> None:
    whole = torchvision_datasets().utils.check_integrity
    for _, path, md5 in _archives(family, folder):
        if path.is_file() and not whole(path, md5):
            path.unlink()


def _by_hand(family: Data, folder: Path, error: Exception) -> str:
    files = "; ".join(
        f"{url} to {path} (md5 {md5})" for url, path, md5 in _archives(family, folder)
    )
    return (
        f"{family.__name__} could not be downloaded in {ATTEMPTS} attempts: {error}. Without a"
        f" network copy the files by hand and run the same command again: {files}. Or give the"
        " images as an .npz file (kind: npz)."
    )


def _images(dataset: Data) -> np.ndarray:
    """Return uint8 with the channel last; MNIST has a tensor without channels."""
    images = np.asarray(dataset.data)
    return images if images.ndim == 4 else images[..., None]


@cache
def torchvision_datasets() -> ModuleType:
    """Import `torchvision.datasets`, also beside a torch that its compiled operators do not fit.

    Returns:
        The module.

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
    """Return whether the compiled operators load; those for CUDA need a torch with it."""
    try:
        torch.ops.load_library(library)  # type: ignore[no-untyped-call]
    except OSError:
        return False
    return True


@cache
def _declare_operators() -> torch.library.Library:
    """Declare the operators that the import of torchvision refers to; no dataset calls them.

    Returns:
        What the declarations last as long as.
    """
    declared = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in OPERATORS:
        declared.define(schema)  # type: ignore[no-untyped-call]
    return declared
