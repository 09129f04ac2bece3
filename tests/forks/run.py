"""Run `python -m` of a program in a process forked from one that has imported its libraries.

Most of the time of a dry run, of a training of 30 steps or of a page goes into imports. Those of
explaind itself come from the project that the process runs in.
"""

import atexit
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.forks import client, parent

IMPORTED_FIRST = {
    "snakemake": ("pandas", "pydantic", "smart_open", "snakemake.cli", "snakemake.report", "yte"),
    "explaind": (
        *("torch", "torch.nn.utils.prune", "torch.utils.flop_counter"),
        "torch._dynamo",  # imported by the first optimizer
        *("numcodecs", "pandas", "pyarrow.dataset", "pyarrow.parquet", "xarray", "zarr"),
        *("captum.attr", "scipy.stats", "sklearn.datasets", "sklearn.linear_model"),
        *("PIL.Image", "jinja2", "plotly.colors", "plotly.io._html", "plotly.io._json"),
        *("plotly.graph_objs._figure", "plotly.graph_objs._scatter", "plotly.graph_objs._heatmap"),
        "narwhals._pandas_like.namespace",  # plotly's way to the values of a table
        *("jaxtyping", "pydantic.main", "tqdm.contrib.logging", "typer.main", "yaml"),
    ),
}
"""Program -> what its parent imports. Not torch for Snakemake: its absence is tested."""

THREADS = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
"""Read when torch is imported. Where a rule asks for more threads, none may wait by turning round:
the problems are so small that this is most of the time, and other tests need the core.
"""


def run_module(
    arguments: Sequence[str], root: Path, library: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `python -m` in a project, with its library; the jobs of Snakemake are forked, too.

    Args:
        arguments: the module and its arguments.
        root: the project.
        library: folder of the library, if that is not in the project.

    Returns:
        The exit status, and what it wrote as `stdout`.
    """
    program, *_ = arguments[0].split(".")
    environment = (
        os.environ | THREADS | {"PYTHONPATH": str(library or root)} | _as_bash_function("explaind")
    )
    with tempfile.TemporaryFile("w+") as output:
        streams = (output.fileno(), output.fileno())
        status = client.ask(parent_of(program).address, arguments, str(root), environment, streams)
        output.seek(0)
        return subprocess.CompletedProcess(arguments, status, output.read(), "")


def _as_bash_function(program: str) -> dict[str, str]:
    """The variable of a function that goes before a program of this name on the PATH."""
    command = (sys.executable, "-I", "-S", client.__file__, parent_of(program).address, program)
    return {f"BASH_FUNC_{program}%%": f'() {{ exec {shlex.join(command)} "$@"; }}'}


@dataclass(frozen=True)
class Parent:
    """A process that forks; it ends when this one does, which closes its input.

    Attributes:
        address: path of the socket that it listens to.
    """

    address: str
    process: subprocess.Popen[bytes]


@cache
def parent_of(program: str) -> Parent:
    """The parent of a program, started when it is asked for first."""
    folder = tempfile.mkdtemp(prefix="explaind-forks-")  # nobody else may enter
    atexit.register(shutil.rmtree, folder)
    address = f"{folder}/socket"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen()  # from now on requests wait for the imports
        number = listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-P", parent.__file__, str(number), *IMPORTED_FIRST[program]],
            stdin=subprocess.PIPE,
            pass_fds=[number],
            env=environment | THREADS,
        )
    atexit.register(process.communicate)  # closes its input and waits for its end
    return Parent(address, process)
