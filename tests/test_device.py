"""Names of devices."""

import pytest
import torch

from explaind.device import resolve_device
from explaind.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "gpu", "expected"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_auto_is_the_gpu_if_there_is_one(name, gpu, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert resolve_device(name) == torch.device(expected)


def test_a_missing_gpu_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="expected a GPU for cuda, found none"):
        resolve_device("cuda")
