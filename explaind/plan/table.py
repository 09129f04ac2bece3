"""A plan as text."""

from collections.abc import Iterable, Mapping
from math import ceil

from explaind.plan.build import Plan

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def plan_table(
    plan: Plan,
    workers: int | None = None,
    experiments: Mapping[str, tuple[int, int]] | None = None,
) -> str:
    """A plan as Markdown.

    Args:
        plan: from `build.build_plan`.
        workers: machines or GPUs that the jobs are run on; by default the jobs at once.
        experiments: bytes of memory and on disk of experiments on the run, by name.

    Returns:
        The text.
    """
    parts = [_sizes(plan), _division(plan, workers), _stages(plan), _disk(plan), _routes(plan)]
    if experiments:
        parts.append(_experiments(experiments))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _sizes(plan: Plan) -> list[str]:
    sizes = plan["sizes"]
    rows = [
        ("parameters P", f"{sizes['parameters']:,} in {len(sizes['layers'])} tensors"),
        ("training samples N, batch B", f"{sizes['train']:,}, {sizes['batch']:,}"),
        ("steps S", f"{sizes['steps']:,}"),
        ("queries Q", f"{sizes['samples']:,} samples x {sizes['outputs']} outputs"),
        ("intervals, output arrays", f"{sizes['intervals']}, {', '.join(plan['disk']['arrays'])}"),
    ]
    return _table(("size", "value"), rows)


def _division(plan: Plan, workers: int | None) -> list[str]:
    job, machine = plan["jobs"]["predict_epk"], plan["machine"]
    jobs = plan["shards"] * plan["segments"]
    waves = ceil(jobs / (workers or plan["jobs_at_once"]))
    rows = [
        ("jobs", f"{plan['shards']} shards x {plan['segments']} segments = {jobs:,}"),
        ("query blocks", f"{plan['blocks']} of {plan['samples_per_block']} samples in each job"),
        ("memory given", f"{bytes_text(plan['memory_per_job'])} per job: {machine['memory_from']}"),
        ("projected peak", f"{bytes_text(job['peak_bytes'])} per job"),
        ("asked for", f"mem_mb {job['mem_mb']:,}, runtime {job['runtime']:,} min"),
        ("operations per second", f"{machine['rate']:.2g} {'GPU' if machine['gpu'] else 'core'}"),
        (
            "projected time",
            f"{time_text(job['seconds'])} per job, {time_text(waves * job['seconds'])} all",
        ),
    ]
    if job["sample_calls"]:
        calls = f"{job['sample_calls']:,} per job, in the time: torch cannot batch the model"
        rows.append(("autograd calls of one sample", calls))
    return _table(("work", "plan"), rows)


def _stages(plan: Plan) -> list[str]:
    rows = [
        (name, bytes_text(stage["held"]), bytes_text(stage["working"]), f"{stage['flops']:.2g}")
        for name, stage in plan["stages"].items()
    ]
    return _table(("stage", "held", "working", "operations per job"), rows)


def _disk(plan: Plan) -> list[str]:
    disk = plan["disk"]
    rows = [(name, bytes_text(size)) for name, size in disk["arrays"].items()]
    rows.append(
        ("shards and merged store", f"{bytes_text(disk['bytes'])}, {disk['files']:,} files")
    )
    rows.append(("history", bytes_text(disk["history_bytes"])))
    return _table(("on disk", "size"), rows)


def _routes(plan: Plan) -> list[str]:
    by_route: dict[str, list[str]] = {}
    for name, route in plan["routes"].items():
        by_route.setdefault(route, []).append(name)
    rows = [
        (route, f"{len(names)} tensors: {names[0]} ... {names[-1]}")
        for route, names in by_route.items()
    ]
    return _table(("route", "layers"), rows)


def _experiments(experiments: Mapping[str, tuple[int, int]]) -> list[str]:
    rows = [(name, *map(bytes_text, sizes)) for name, sizes in experiments.items()]
    return _table(("experiment", "memory", "on disk at most"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def bytes_text(size: int) -> str:
    """Return a number of bytes with three digits and a unit."""
    number, unit = float(size), 0
    while number >= 1000 and unit < len(_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.3g} {_UNITS[unit]}"


def time_text(seconds: float) -> str:
    """Return a duration with three digits and a unit."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.2g} s"
