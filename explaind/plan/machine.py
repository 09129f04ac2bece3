"""The machine: memory that is given, memory in use, and how fast it multiplies."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from explaind.pipeline.measure import Opened

GIGABYTE = 10**9
MEGABYTE = 10**6


@dataclass(frozen=True)
class Machine:
    """What an explanation may use.

    Attributes:
        memory: bytes given to all jobs that share it.
        memory_from: where that number is from.
        main_bytes: main memory of a job that has opened the run (model, data, self-checks).
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


def this_machine(opened: Opened, cores: int, memory_gb: float | None) -> Machine:
    """Look at the machine that this process runs on.

    Args:
        opened: a run as a job has opened it.
        cores: cores that the jobs share.
        memory_gb: memory given, in GB; None = what is free on the device, and what this process
            has of it already.
    """
    device = opened.device
    gpu = device.type == "cuda"
    if memory_gb is None:
        memory = free_bytes(device) + opened.device_bytes
        given = f"free on the {'GPU' if gpu else 'machine'} when the plan was made"
    else:
        memory, given = round(memory_gb * GIGABYTE), "epk.memory_gb"
    return Machine(
        memory,
        given,
        opened.main_bytes,
        opened.device_bytes,
        cores,
        sgemm_rate(device),
        gpu,
    )


def free_bytes(device: torch.device) -> int:
    """Memory that new processes can have without pushing anything out."""
    if device.type == "cuda":
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
