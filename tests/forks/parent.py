"""The process that others are forked from, as a script: it imports nothing of explaind.

python -P parent.py SOCKET MODULE...

It imports the modules and waits for requests (client.py) at the socket, of which it inherits the
file descriptor, until its input ends. It has no thread but one of jemalloc, which survives a fork.
"""

import atexit
import gc
import json
import multiprocessing
import os
import runpy
import selectors
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

LARGEST_REQUEST = 200_000  # bytes; an environment has some thousand
CONTEXT = multiprocessing.get_context("fork")


def serve(listening: socket.socket) -> None:
    """Answer each request with the exit status of its process, until the input ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(listening, selectors.EVENT_READ, _start)
        while True:
            # One at a time, because what is done for it may take another one out.
            key, _ = selector.select()[0]
            if key.fileobj is sys.stdin:
                return
            key.data(selector, key.fileobj)


def _start(selector: selectors.BaseSelector, listening: socket.socket) -> None:
    """Fork a process; it is killed if the one that asked for it ends first."""
    client, _ = listening.accept()
    request, streams, _, _ = socket.recv_fds(client, LARGEST_REQUEST, 2)
    if not request:
        client.close()
        return
    process = CONTEXT.Process(target=_run, args=(streams,), kwargs=json.loads(request))
    process.start()
    for stream in streams:
        os.close(stream)

    def kill(*_: object) -> None:
        process.kill()
        selector.unregister(client)

    def answer(*_: object) -> None:
        process.join()
        selector.unregister(process.sentinel)
        if client in selector.get_map():
            selector.unregister(client)
        with suppress(BrokenPipeError):  # killed after all
            client.send(str(process.exitcode).encode())
        process.close()
        client.close()

    selector.register(client, selectors.EVENT_READ, kill)
    selector.register(process.sentinel, selectors.EVENT_READ, answer)


def _run(
    streams: Sequence[int], arguments: list[str], root: str, environment: dict[str, str]
) -> None:
    """Be `python -m` with these arguments."""
    os.chdir(root)
    os.environ.clear()
    os.environ.update(environment)
    for target, stream in enumerate(streams, start=1):
        os.dup2(stream, target)
        os.close(stream)
    sys.path[:0] = ["", *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    module, *_ = sys.argv = arguments
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # multiprocessing ends without, and without a last clean-up


def main() -> None:
    """Import and serve."""
    number, *modules = sys.argv[1:]
    for module in modules:
        __import__(module)
    gc.freeze()  # children share it as long as they do not search it for garbage
    serve(socket.socket(fileno=int(number)))
    for process in multiprocessing.active_children():
        process.kill()


if __name__ == "__main__":
    main()
