"""How the explained samples are divided so that each job fits into its memory."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Literal

from explaind.errors import PlanError
from explaind.plan.machine import MEGABYTE, Machine
from explaind.plan.memory import explain_bytes, stage_bytes
from explaind.plan.sizes import Sizes

HEADROOM = 1.3
"""Memory asked for, over the projected peak: how far projection and measurement may be apart."""


@dataclass(frozen=True)
class Division:
    """How the explained samples are divided.

    Attributes:
        shards: jobs.
        jobs_at_once: how many of them share the memory.
        samples_per_block: explained samples of a query block, which a job works on at once.
        blocks: query blocks of a job; each walks through the history.
        memory: bytes given to each job.
        peak: projected peak of a job, in bytes, at most `memory / HEADROOM`.
    """

    shards: int
    jobs_at_once: int
    samples_per_block: int
    blocks: int
    memory: int
    peak: int


def divide(sizes: Sizes, machine: Machine, shards: int | Literal["auto"]) -> Division:
    """Choose the query blocks of each shard; with `auto` the fewest shards that need only one.

    Every block repeats the training side, so it is as large as the memory allows. Jobs at once
    share the memory: as many as there are cores; a GPU has one job at a time. A job that cannot
    hold even one sample is refused (`PlanError`).

    Args:
        sizes: the sizes.
        machine: what may be used.
        shards: number of shards, or "auto".

    Returns:
        The division.
    """
    if shards != "auto":
        return _divided(sizes, machine, shards)
    for count in range(1, sizes.samples + 1):
        if _fitting(sizes, machine, count) >= ceil(sizes.samples / count):
            return _divided(sizes, machine, count)
    return _divided(sizes, machine, 1)


def largest_fitting(bytes_of: Callable[[int], int], memory: int, most: int) -> int:
    """The largest number of samples whose memory fits; 0 if not even one does.

    Args:
        bytes_of: memory of a number of samples, growing with it.
        memory: what is given.
        most: the largest number that is of use.

    Returns:
        That number.
    """
    fits, above = 0, most + 1
    while above - fits > 1:
        middle = (fits + above) // 2
        if bytes_of(middle) <= memory:
            fits = middle
        else:
            above = middle
    return fits


def _at_once(sizes: Sizes, machine: Machine, shards: int) -> int:
    return 1 if machine.gpu else max(1, min(shards * sizes.segments, machine.cores))


def _fitting(sizes: Sizes, machine: Machine, shards: int) -> int:
    memory = machine.memory // _at_once(sizes, machine, shards)
    return largest_fitting(
        lambda samples: requested(machine.device_bytes + explain_bytes(sizes, samples)),
        memory,
        ceil(sizes.samples / shards),
    )


def requested(peak: int) -> int:
    """Return the memory to ask for when this peak is projected."""
    return ceil(HEADROOM * peak)


def _divided(sizes: Sizes, machine: Machine, shards: int) -> Division:
    at_once, samples = _at_once(sizes, machine, shards), ceil(sizes.samples / shards)
    memory, fitting = machine.memory // at_once, _fitting(sizes, machine, shards)
    if fitting == 0:
        needed = requested(machine.device_bytes + explain_bytes(sizes, 1))
        raise PlanError(
            f"One explained sample needs {_mb(needed)}, but each of the {at_once} jobs at once is"
            f" given {_mb(memory)} ({machine.memory_from}: {_mb(machine.memory)}). {_remedy(sizes)}"
        )
    blocks = ceil(samples / fitting)
    even = ceil(samples / blocks)  # as few blocks, but all of the same size
    peak = machine.device_bytes + explain_bytes(sizes, even)
    return Division(shards, at_once, even, blocks, memory, peak)


def _remedy(sizes: Sizes) -> str:
    stages = stage_bytes(sizes, 1)
    most = max(stages, key=lambda name: stages[name].held + stages[name].working)
    advice = {
        "history": "record a checkpointed history, with a shorter checkpoint interval",
        "influence": "keep fewer output arrays or intervals",
        "store": "keep fewer output arrays or intervals",
        "training": "train with smaller batches",
    }.get(most, "explain one output instead of all")
    return f"Raise epk.memory_gb, run fewer jobs at once (cores), or {advice}."


def _mb(size: int) -> str:
    return f"{size / MEGABYTE:,.0f} MB"
