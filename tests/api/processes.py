"""Servers as processes, and requests so plain that their sender costs next to nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(
    module: Sequence[str], port: int, environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that answers on the port; it is asked to end, and has to."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *module], env={**os.environ, **environment}, stdout=stream, stderr=stream
        )
    try:
        _wait(process, port, log)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def get(port: int, path: str, key: str) -> tuple[int, bytes]:
    """One request over a connection of its own; raises when the connection ends without an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(request(path, key, keep="close"))
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        raise ConnectionError("no answer")
    return int(head.split(b" ", 2)[1]), body


def request(path: str, key: str, keep: str = "keep-alive") -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}", f"Connection: {keep}", "", ""]
    return "\r\n".join(lines).encode()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if get(port, "/api/v1/health", "")[0] == 200:
                return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server does not answer:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)
