"""What the plan knows of the machine: memory given and in use, cores, a rate."""

import torch

from explaind.plan.machine import (
    GIGABYTE,
    HEAP_HOLES,
    MemoryInUse,
    free_bytes,
    memory_in_use,
    peak_bytes,
    resident_bytes,
    sgemm_rate,
    this_machine,
)

CPU = torch.device("cpu")


def test_memory_of_this_process_is_between_nothing_and_its_peak():
    used = memory_in_use(CPU)
    assert used.main_bytes == used.device_bytes
    assert 10**7 < used.main_bytes <= peak_bytes(CPU) * 1.1
    more = torch.ones(2 * 10**7)  # 80 MB
    assert resident_bytes() > used.main_bytes + 5 * 10**7
    assert more.sum() > 0
    assert free_bytes(CPU) > 10**7


def test_memory_given_counts_and_what_is_free_otherwise(monkeypatch):
    monkeypatch.setattr("explaind.plan.machine.sgemm_rate", lambda _: 5.0)
    monkeypatch.setattr("explaind.plan.machine.free_bytes", lambda _: 700)
    opened = MemoryInUse(100, 100)
    given = this_machine(CPU, opened, 3, 1.5)
    assert (given.memory, given.memory_from) == (1.5 * GIGABYTE, "epk.memory_gb")
    assert (given.cores, given.rate, given.gpu) == (3, 5.0, False)
    assert given.main_bytes == given.device_bytes == 100 + HEAP_HOLES
    free = this_machine(CPU, opened, 3, None)
    assert free.memory == 800  # this process gives its own back
    assert free.memory_from == "free on the machine when the plan was made"


def test_the_rate_counts_two_operations_for_each_product(monkeypatch):
    """Two products of 8 x 8 numbers within the duration, seen at 0, 1, 2 and 4 seconds."""
    times = iter([0.0, 1.0, 2.0, 4.0])
    monkeypatch.setattr("explaind.plan.machine.time.perf_counter", lambda: next(times))
    assert sgemm_rate(CPU, size=8, duration=3.0) == 2 * 2 * 8**3 / 4
