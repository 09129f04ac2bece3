"""A throw-away SLURM cluster: this machine is its only node."""

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

TEMPLATE = Path(__file__).with_name("slurm.conf")
STANDARD_PLACE = Path("/etc/slurm/slurm.conf")  # jobs look here: the plugin clears their SLURM_CONF
NAME = "throw-away-slurm"
ONE_AT_A_TIME = Path("/run/lock", NAME)
COMMANDS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "setpriv")
PACKAGES = "munge slurmctld slurmd slurm-client"
SECONDS_TO_START = 30.0


def lacking() -> str:
    """What the machine lacks for a cluster; empty if nothing."""
    missing = [command for command in COMMANDS if shutil.which(command) is None]
    if missing:
        return f"SLURM ({', '.join(missing)} not found): apt-get install {PACKAGES}"
    if os.geteuid() != 0:
        return "root: nobody else may start jobs and write /etc/slurm"
    if os.path.lexists(STANDARD_PLACE) and not _is_ours(STANDARD_PLACE):
        return f"a machine of no other cluster, {STANDARD_PLACE} exists"
    return ""


@contextmanager
def cluster() -> Iterator[None]:
    """Start the daemons, one after the other, and stop them in reverse order.

    Raises:
        RuntimeError: a daemon is not ready in time; holds the end of its log.
    """
    with ExitStack() as stack:
        lock = stack.enter_context(ONE_AT_A_TIME.open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{NAME}-")))
        _configure(folder)
        stack.enter_context(_linked(folder / "slurm.conf"))
        for name, command, is_ready in _daemons(folder):
            log = folder / f"{name}.log"
            stack.enter_context(_running(command, log))
            _wait_for(is_ready, log)
        stack.callback(_cancel_all_jobs)
        yield


def _daemons(folder: Path) -> list[tuple[str, list[str], Callable[[], bool]]]:
    """Name, command and sign of readiness, in the order they are started in."""
    places = {"key-file": "munge.key", "socket": "munge.socket"}
    places |= {"pid-file": "munge.pid", "seed-file": "munge.seed"}
    munge = [f"--{option}={folder / name}" for option, name in places.items()]
    slurm = ["-D", "-f", f"{folder / 'slurm.conf'}"]
    return [
        # forced, because munge would like to be no root and to serve all users
        ("munged", ["munged", "--foreground", "--force", *munge], _munge_answers(folder)),
        ("slurmctld", ["slurmctld", *slurm], _controller_answers),
        ("slurmd", ["slurmd", *slurm], _node_is_idle),
    ]


def _configure(folder: Path) -> None:
    """Write the key and the configuration."""
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    host = socket.gethostname().partition(".")[0]
    address = socket.gethostbyname(host)
    controller_port, node_port = _free_ports(2)
    text = TEMPLATE.read_text().format(
        folder=folder,
        host=host,
        address=address,
        listening=_listening(address),
        controller_port=controller_port,
        node_port=node_port,
    )
    (folder / "slurm.conf").write_text(text)
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")  # asks for no cgroups
    gpus = "".join(f"Name=gpu File=/dev/{device}\n" for device in ("null", "zero"))
    (folder / "gres.conf").write_text(gpus)  # pretended, to be counted
    for name in ("state", "spool"):
        (folder / name).mkdir()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind(("", 0))
        return [opened.getsockname()[1] for opened in sockets]


def _listening(address: str) -> str:
    """Where connections are accepted: if possible, at the address of the host only.

    A connection to 127.0.1.1, as Debian calls the host, comes from 127.0.0.1 and is answered there.
    """
    elsewhere = address.startswith("127.") and address != "127.0.0.1"
    return "" if elsewhere else "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny"


def _is_ours(path: Path) -> bool:
    """Whether it is a link that a killed run has left."""
    return path.is_symlink() and path.readlink().parent.name.startswith(NAME)


@contextmanager
def _linked(configuration: Path) -> Iterator[None]:
    """Let the standard place lead to the configuration."""
    STANDARD_PLACE.parent.mkdir(exist_ok=True)
    STANDARD_PLACE.unlink(missing_ok=True)
    STANDARD_PLACE.symlink_to(configuration)
    try:
        yield
    finally:
        STANDARD_PLACE.unlink()


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    """A process that ends with the block, and with this process."""
    with log.open("w") as opened:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            stdin=subprocess.DEVNULL,
            stdout=opened,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(is_ready: Callable[[], bool], log: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while not is_ready():
        if time.monotonic() > end:
            raise RuntimeError(f"{log.stem} is not ready:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _munge_answers(folder: Path) -> Callable[[], bool]:
    return lambda: "MUNGE:" in _output("munge", "-n", "-S", f"{folder / 'munge.socket'}")


def _controller_answers() -> bool:
    return "is UP" in _output("scontrol", "ping")


def _node_is_idle() -> bool:
    return _output("sinfo", "--noheader", "--format=%T").strip() == "idle"


def _cancel_all_jobs() -> None:
    """End what a failed test left running; its processes would outlive the daemons."""
    subprocess.run(["scancel", "--user=root"], check=True)
    end = time.monotonic() + SECONDS_TO_START
    while _output("squeue", "--noheader") and time.monotonic() < end:
        time.sleep(0.2)
