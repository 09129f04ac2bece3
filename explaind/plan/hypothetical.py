"""Hypothetical sizes and machine, for a plan without a run."""

from math import ceil, isqrt, log, sqrt

import torch

from explaind.kernel.gradients.rule import Work
from explaind.kernel.trajectory.intervals import FORGOTTEN
from explaind.plan.machine import GIGABYTE, Machine
from explaind.plan.sizes import Layer, Sizes

PROCESS = 10**9
"""Main memory of a process on a GPU before it explains anything."""


def hypothetical_layers(parameters: int, layers: int, positions: int) -> tuple[Layer, ...]:
    """Linear layers of the same size, each a component of its own.

    Args:
        parameters: scalars in all layers together.
        layers: how many.
        positions: positions (tokens, pixels) of a sample at which each layer is used.

    Returns:
        The layers.
    """
    size = ceil(parameters / layers)
    product = 2 * positions * size
    work = Work(size, 2 * positions * isqrt(size), product, product, positions * isqrt(size))
    return tuple(Layer(f"layer {k}", f"layer {k}", size, (work,)) for k in range(layers))


def hypothetical_sizes(
    parameters: int,
    layers: int,
    train: int,
    queries: int,
    steps: int,
    batch: int,
    *,
    positions: int = 1,
    every: int = 1,
    segments: int = 1,
    intervals: int = 1,
    keep: tuple[str, ...] = (),
    momentum: float = 0.9,
) -> Sizes:
    """Sizes of a network of linear layers, trained by AdamW in float32, one output per query.

    Args:
        parameters: `P`.
        layers: number of layers.
        train: training samples, `N`.
        queries: explained samples, `Q`.
        steps: `S`.
        batch: samples per batch, `B`.
        positions: positions of a sample at which each layer is used.
        every: checkpoint interval of the history; 1 = all steps are stored.
        segments: parts of the training that are explained by jobs of their own.
        intervals: training intervals.
        keep: output arrays that are kept.
        momentum: the optimizer's momentum (beta1), which sets the warm-up of a segment.

    Returns:
        The sizes.
    """
    shape = hypothetical_layers(parameters, layers, positions)
    width = round(sqrt(shape[0].parameters))
    return Sizes(
        layers=shape,
        train=train,
        batch=batch,
        steps=steps,
        samples=queries,
        outputs=1,
        intervals=intervals,
        keep=keep,
        kept_train=train,
        top=10,
        adjoint_parts=1,
        subintervals=1,
        refines=True,
        block_steps=every if every > 1 else ceil(sqrt(steps)),
        adaptive=True,
        activation_bytes=3 * 4 * positions * width * layers,
        sample_bytes=4 * positions * width,
        forward_flops=2 * positions * parameters,
        itemsize=4,
        every=every,
        segments=segments,
        warm_up=ceil(log(FORGOTTEN[torch.float32]) / log(momentum)) if segments > 1 else 0,
    )


def hypothetical_machine(gpu_memory_gb: float, teraflops: float) -> Machine:
    """One GPU.

    Args:
        gpu_memory_gb: its memory, in GB.
        teraflops: operations of a matrix product that it does, in 10^12 per second.

    Returns:
        The machine.
    """
    memory = round(gpu_memory_gb * GIGABYTE)
    return Machine(memory, "of a GPU", PROCESS, 0, 1, teraflops * 1e12, gpu=True)
