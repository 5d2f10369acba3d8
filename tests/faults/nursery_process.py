"""Forks `oplake` processes on request. Run by ``nursery``, never imported by it.

Every library is loaded before, and nothing else: no thread, no connection, no table. So a forked process is
what `oplake` is after its imports, and it does everything from reading the specs on by itself.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any, NoReturn

import engine.runtime.running  # noqa: F401  loaded for those who are forked
from engine.cli.main import main
from tests.faults import patches

MOST_REQUEST_BYTES = 1 << 16


def serve(channel: socket.socket) -> None:
    """One process at a time: fork it, tell its pid, wait for its end, tell that, and reap it when asked to.

    A process that has ended keeps its pid until it is reaped, so a signal can never reach another one.
    """
    while True:
        request, descriptors = _receive(channel)
        if not request:
            return
        pid = os.fork()
        if pid == 0:
            channel.close()
            _become(json.loads(request), descriptors[0])
        for descriptor in descriptors:
            os.close(descriptor)
        channel.sendall(f"{pid}\n".encode())
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        channel.sendall(b"ended\n")
        channel.recv(1)
        _, status = os.waitpid(pid, 0)
        channel.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _receive(channel: socket.socket) -> tuple[bytes, list[int]]:
    request, descriptors, _, _ = socket.recv_fds(channel, MOST_REQUEST_BYTES, 1)
    return request, descriptors


def _become(request: dict[str, Any], stderr: int) -> NoReturn:
    """From here on this is `oplake` with these arguments."""
    os.dup2(stderr, 2)
    os.close(stderr)
    # Python still takes the old file for seekable, and asks where in it the pipe stands.
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    os.environ.update(request["environment"])
    sys.argv = ["oplake", *request["arguments"]]
    if request["patch"]:
        getattr(patches, request["patch"])()
    main()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
