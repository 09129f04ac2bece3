"""Memory that this process uses."""

import os
import resource
import sys
from pathlib import Path

import torch


def resident_bytes() -> int:
    """Memory of this process now (its peak where the system does not tell)."""
    statistics = Path("/proc/self/statm")
    if not statistics.is_file():
        return peak_bytes(torch.device("cpu"))
    return int(statistics.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_bytes(device: torch.device) -> int:
    """Largest memory of this process so far: on the GPU if that computes, else in main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
