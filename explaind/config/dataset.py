"""Config of the datasets, a section per kind."""

from typing import Annotated

from pydantic import Discriminator, Tag

from explaind.config.base import kind_or
from explaind.config.images import (
    Cifar2Dataset,
    Cifar10Dataset,
    Cifar100Dataset,
    DigitsDataset,
    MnistDataset,
    NpzDataset,
)
from explaind.config.modulo import ModuloDataset

Dataset = Annotated[
    Annotated[ModuloDataset, Tag("modulo")]
    | Annotated[DigitsDataset, Tag("digits")]
    | Annotated[MnistDataset, Tag("mnist")]
    | Annotated[Cifar2Dataset, Tag("cifar2")]
    | Annotated[Cifar10Dataset, Tag("cifar10")]
    | Annotated[Cifar100Dataset, Tag("cifar100")]
    | Annotated[NpzDataset, Tag("npz")],
    Discriminator(kind_or("modulo")),
]
