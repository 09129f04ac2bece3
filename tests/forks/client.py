"""Ask a parent (parent.py) for a process, and wait for its end.

As a script this stands for a program, and starts in 20 ms: few imports, no site-packages.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence


def ask(
    address: str,
    arguments: Sequence[str],
    root: str,
    environment: Mapping[str, str],
    streams: Sequence[int],
) -> int:
    """Run a module as `python -m` does; its process is killed if this one ends before.

    Args:
        address: path of the socket of the parent.
        arguments: the module and its arguments.
        root: the folder that it runs in.
        environment: all variables of the process.
        streams: file descriptors of its output and errors; it has no input.

    Returns:
        The exit status; negative for a signal.

    Raises:
        ConnectionError: the parent has ended.
    """
    request = {"arguments": arguments, "root": root, "environment": environment}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as parent:
        parent.connect(address)
        socket.send_fds(parent, [json.dumps(request).encode()], streams)
        answer = parent.recv(16)
    if not answer:
        raise ConnectionError(f"{arguments[0]}: the process that was to fork it has ended")
    return int(answer)


def main() -> None:
    """Run the module that the command line names after the socket, and end as it ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # die at once, and with it the process
    address, *arguments = sys.argv[1:]
    root = os.getcwd()  # noqa: PTH109 - importing pathlib takes as long as all else
    status = ask(address, arguments, root, dict(os.environ), (1, 2))
    if status < 0:
        os.kill(os.getpid(), -status)
    sys.exit(status)


if __name__ == "__main__":
    main()
