"""Starts `oplake` processes in milliseconds, by forking one that has loaded its libraries.

Loading takes a second or more of a core, which 200 times over is what a kill test would spend its time on.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TextIO


class Nursery:
    """A process that forks; one child at a time, which the next one's start would kill."""

    def __init__(self) -> None:
        here, there = socket.socketpair()
        self._channel = here
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.nursery_process", str(there.fileno())],
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._answers = here.makefile("r", encoding="ascii")
        self._last: Forked | None = None

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], patch: str | None = None) -> Forked:
        """Fork one that runs `oplake` with these arguments; ``patch`` names a function of ``patches``."""
        self._end_last()
        read, write = os.pipe()
        request = {"arguments": list(arguments), "environment": dict(environment), "patch": patch}
        socket.send_fds(self._channel, [json.dumps(request).encode()], [write])
        os.close(write)
        self._last = Forked(self._channel, self._answers, os.fdopen(read, "r"))
        return self._last

    def _end_last(self) -> None:
        """What a test that failed has left running, or stopped, is in the way of the next one."""
        if self._last is not None and self._last.returncode is None:
            self._last.kill()
            self._last.wait(30)

    def close(self) -> None:
        self._end_last()
        self._answers.close()
        self._channel.close()
        self._process.wait(30)

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Forked:
    """One forked process; has the part of ``subprocess.Popen`` that tests use."""

    def __init__(self, channel: socket.socket, answers: TextIO, stderr: TextIO) -> None:
        self._channel, self._answers, self.stderr = channel, answers, stderr
        self.pid = int(answers.readline())
        self.returncode: int | None = None
        self._ended = threading.Thread(target=answers.readline, daemon=True)
        self._ended.start()

    def send_signal(self, number: signal.Signals) -> None:
        """Safe whenever ``wait`` has not returned: until then the pid is not given to another process."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        if self.returncode is None:
            self._ended.join(timeout)
            if self._ended.is_alive():
                raise subprocess.TimeoutExpired("oplake run", timeout)
            self._channel.sendall(b"r")
            self.returncode = int(self._answers.readline())
        return self.returncode
