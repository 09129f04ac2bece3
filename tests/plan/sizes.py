"""Sizes and machines for the tests of the plan."""

from explaind.plan.hypothetical import hypothetical_sizes
from explaind.plan.machine import Machine

SIZES = hypothetical_sizes(10**6, 10, 5000, 300, 1000, 64, keep=("influence", "component"))


def machine(memory, cores=1, gpu=False):
    return Machine(memory, "test", 3 * 10**8, 0 if gpu else 3 * 10**8, cores, 1e11, gpu)
