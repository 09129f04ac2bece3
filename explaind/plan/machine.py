"""The machine: memory that is given, memory in use, and how fast it multiplies."""

import os
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

GIGABYTE = 10**9
MEGABYTE = 10**6
HEAP_HOLES = 32 * 2**20
"""What is lost between blocks: glibc takes those of up to 32 MiB from a heap, and keeps it."""


@dataclass(frozen=True)
class Machine:
    """What an explanation may use.

    Attributes:
        memory: bytes given to all jobs that share it.
        memory_from: where that number is from.
        main_bytes: main memory of a job that has opened the run (model, data, self-checks), and
            what its heap will lose.
        device_bytes: its memory where the computation takes place; the same but for a GPU.
        cores: cores of the machine, shared by the jobs that run at a time.
        rate: operations per second of a matrix product on one core or the GPU.
        gpu: whether a GPU computes.
    """

    memory: int
    memory_from: str
    main_bytes: int
    device_bytes: int
    cores: int
    rate: float
    gpu: bool


class MemoryInUse(NamedTuple):
    """Memory of this process.

    Attributes:
        main_bytes: main memory.
        device_bytes: memory of the device that computes, the same if that is the CPU.
    """

    main_bytes: int
    device_bytes: int


def memory_in_use(device: torch.device) -> MemoryInUse:
    """Return the memory that this process uses, all modules loaded that gradients need."""
    x = torch.zeros(1, requires_grad=True)
    torch.autograd.grad(x.exp(), x)  # the first one imports sympy: 36 MB of every job
    main = resident_bytes()
    return MemoryInUse(main, torch.cuda.memory_allocated(device) if _is_gpu(device) else main)


def this_machine(
    device: torch.device, opened: MemoryInUse, cores: int, memory_gb: float | None
) -> Machine:
    """Look at the machine that this process runs on.

    Args:
        device: what computes.
        opened: memory of a job that has opened the run.
        cores: cores that the jobs share.
        memory_gb: memory given, in GB; None = what is free on the device, and what this process
            has of it already.

    Returns:
        What may be used.
    """
    gpu = _is_gpu(device)
    if memory_gb is None:
        memory = free_bytes(device) + opened.device_bytes
        given = f"free on the {'GPU' if gpu else 'machine'} when the plan was made"
    else:
        memory, given = round(memory_gb * GIGABYTE), "epk.memory_gb"
    return Machine(
        memory,
        given,
        opened.main_bytes + HEAP_HOLES,
        opened.device_bytes + (0 if gpu else HEAP_HOLES),
        cores,
        sgemm_rate(device),
        gpu,
    )


def free_bytes(device: torch.device) -> int:
    """Return the memory that new processes can have without pushing anything out."""
    if _is_gpu(device):
        return int(torch.cuda.mem_get_info(device)[0])
    info = Path("/proc/meminfo")
    if info.is_file():
        rows = (line.split() for line in info.read_text().splitlines())
        return 1024 * next(int(row[1]) for row in rows if row[0] == "MemAvailable:")
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def sgemm_rate(device: torch.device, size: int = 768, duration: float = 0.3) -> float:
    """Measured operations per second of a float32 matrix product.

    Args:
        device: what computes, with the threads that torch has now.
        size: rows and columns.
        duration: seconds to measure for.

    Returns:
        The rate.
    """
    a = torch.rand(size, size, device=device)
    torch.mm(a, a)  # the first product also starts the library
    products, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < duration:
        torch.mm(a, a)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        products += 1
    return products * 2.0 * size**3 / passed


def resident_bytes() -> int:
    """Return the memory of this process now (its peak where the system does not tell)."""
    statistics = Path("/proc/self/statm")
    if not statistics.is_file():
        return peak_bytes(torch.device("cpu"))
    return int(statistics.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_bytes(device: torch.device) -> int:
    """Return the peak of this process so far: on the GPU if that computes, else in main memory."""
    if _is_gpu(device):
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _is_gpu(device: torch.device) -> bool:
    return device.type == "cuda"
