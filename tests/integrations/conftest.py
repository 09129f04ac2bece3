"""What the other libraries need before they are imported."""

from importlib.util import find_spec

from explaind.data.download import torchvision_datasets

if find_spec("torchvision"):  # imported by some of them, with operators that may not fit this torch
    torchvision_datasets()
