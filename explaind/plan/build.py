"""The plan: sizes, machine and division of the work, and all costs that follow."""

from dataclasses import asdict
from math import ceil
from typing import Any, Literal

from explaind.plan.choose import Division, divide, requested
from explaind.plan.flops import reformulate_seconds, sample_calls, seconds, stage_flops
from explaind.plan.machine import MEGABYTE, Machine
from explaind.plan.memory import explain_bytes, reformulate_bytes, stage_bytes
from explaind.plan.output_arrays import disk_bytes, disk_files, kept
from explaind.plan.routes import choose_routes
from explaind.plan.sizes import Sizes

Plan = dict[str, Any]

MINUTES_AT_LEAST = 10
SNAKEMAKE_MB = 300  # of Snakemake itself, which runs beside the command in a job of a cluster
TIME_HEADROOM = 3  # over the projected time, which is a rougher number than the memory


def build_plan(sizes: Sizes, machine: Machine, shards: int | Literal["auto"]) -> Plan:
    """Plan an explanation; a job that cannot hold even one sample is refused (`PlanError`).

    Args:
        sizes: the sizes.
        machine: what may be used.
        shards: number of shards, or "auto".

    Returns:
        The plan, JSON only.
    """
    division = divide(sizes, machine, shards)
    return {
        "sizes": {**asdict(sizes), "parameters": sizes.parameters},
        "machine": asdict(machine),
        "shards": division.shards,
        "segments": sizes.segments,
        "jobs_at_once": division.jobs_at_once,
        "samples_per_block": division.samples_per_block,
        "blocks": division.blocks,
        "memory_per_job": division.memory,
        "stages": _stages(sizes, division),
        "routes": choose_routes(sizes, division.samples_per_block * sizes.outputs),
        "disk": _disk(sizes, division),
        "jobs": {
            "predict_epk": _predict_job(sizes, machine, division),
            "validate_epk": _validate_job(sizes, machine),
        },
    }


def _stages(sizes: Sizes, division: Division) -> dict[str, dict[str, int | float]]:
    """Bytes of one query block and operations of one shard, by stage."""
    flops = stage_flops(sizes, _shard_samples(sizes, division), division.blocks)
    return {
        name: {**asdict(stage), "flops": flops.get(name, 0.0)}
        for name, stage in stage_bytes(sizes, division.samples_per_block).items()
    }


def _disk(sizes: Sizes, division: Division) -> dict[str, Any]:
    """Bytes and files of the output arrays: in all shards, and once more where they are merged."""
    jobs, samples = division.shards * sizes.segments, _shard_samples(sizes, division)
    rows = kept(sizes)
    arrays = {name: jobs * disk_bytes(row, sizes, samples) for name, row in rows.items()}
    files = sum(jobs * disk_files(row, sizes, samples) for row in rows.values())
    return {
        "arrays": arrays,
        "bytes": 2 * sum(arrays.values()),
        "files": 2 * files,
        "history_bytes": sizes.history_bytes,
    }


def _predict_job(sizes: Sizes, machine: Machine, division: Division) -> Plan:
    cores = max(1, machine.cores // (division.shards * sizes.segments))
    rate = machine.rate if machine.gpu else machine.rate * cores
    time = seconds(sizes, _shard_samples(sizes, division), division.blocks, rate)
    host = machine.device_bytes + explain_bytes(sizes, division.samples_per_block)
    if machine.gpu:
        stages = stage_bytes(sizes, division.samples_per_block)
        host = machine.main_bytes + sum(
            stages[name].held + stages[name].working for name in ("history", "influence", "store")
        )
    calls = sample_calls(sizes, _shard_samples(sizes, division), division.blocks)
    return _job(host, time, machine.gpu) | {"peak_bytes": division.peak, "sample_calls": calls}


def _validate_job(sizes: Sizes, machine: Machine) -> Plan:
    rate = machine.rate if machine.gpu else machine.rate * machine.cores
    host = machine.main_bytes + reformulate_bytes(sizes)
    return _job(host, reformulate_seconds(sizes, rate), machine.gpu) | {"peak_bytes": host}


def _job(host: int, time: float, gpu: bool) -> Plan:
    """What a rule asks for: main memory, minutes, GPUs."""
    return {
        "mem_mb": ceil(requested(host) / MEGABYTE) + SNAKEMAKE_MB,
        "runtime": MINUTES_AT_LEAST + ceil(TIME_HEADROOM * time / 60),
        "gpu": int(gpu),
        "seconds": time,
    }


def _shard_samples(sizes: Sizes, division: Division) -> int:
    return ceil(sizes.samples / division.shards)
