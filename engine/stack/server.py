"""A server of the local stack: a process with its data in a folder, found again by a record beside the data."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from engine.errors import OperatorError
from engine.stack.ports import free_port
from engine.state.process import Process

POLL_S = 0.05
KILL_TIMEOUT_S = 10.0


class Server(ABC):
    """Started, stopped, killed and started again, on the same folder and port.

    The process outlives the one that started it, until it is stopped: ``oplake stack up`` returns. A ``with`` block
    stops it at its end.
    """

    name: ClassVar[str]
    """What people call it: a name of ``oplake stack --only``."""
    start_timeout_s: ClassVar[float] = 60.0
    stop_timeout_s: ClassVar[float] = 30.0

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """Nothing runs before ``start``.

        Args:
            folder: holds the data, ``server.log`` and ``process.json``; made when missing.
            port: a loopback port; a free one by default.
        """
        self.folder = folder
        self.port = port or free_port()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def address(self) -> str:
        """Where clients find it."""

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.folder / "server.log"

    @property
    def pid(self) -> int | None:
        """The process id while it runs, whoever started it."""
        if self._child is not None:
            return self._child.pid if self._child.poll() is None else None
        process = self._recorded()
        return None if process is None or process.is_surely_dead() else process.pid

    @property
    def is_healthy(self) -> bool:
        """Whether it runs and answers just now."""
        return self.pid is not None and self._answers()

    def start(self) -> None:
        """Start the server and wait until it answers; nothing happens when it runs already.

        Raises:
            ToolMissing: a program that it needs is not installed.
            OperatorError: it does not answer in time, or ends.
        """
        self.launch()
        self.wait_until_it_answers()

    def launch(self) -> None:
        """Start the process and wait for nothing."""
        if self.pid is not None:
            return
        self._prepare()
        command, environment = self._command(), {**os.environ, **self._environment()}
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - a program of the stack with our own arguments
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        self._record.write_text(json.dumps(dataclasses.asdict(Process.of(self._child.pid))))

    def wait_until_it_answers(self) -> None:
        """Wait, and leave no server behind that did not come up."""
        try:
            self._wait_until_it_answers(time.monotonic() + self.start_timeout_s)
        except BaseException:  # an interrupted wait, too
            self.kill()
            raise

    def stop(self) -> None:
        """End the server in good order; kill it when it takes too long."""
        if self._signal(signal.SIGTERM) and not self._ends_in_order(time.monotonic() + self.stop_timeout_s):
            self.kill()
        self._record.unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._signal(signal.SIGKILL) and not self._wait_for_end(KILL_TIMEOUT_S):
            raise OperatorError(f"{self.name} does not die", where=str(self._record), remedy="end it by hand")

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """The program and its arguments."""

    @abstractmethod
    def _answers(self) -> bool:
        """Ask the server whether it is ready, within a second or so."""

    def _prepare(self) -> None:
        """Make the folder, and in it what the server reads when it starts."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def _environment(self) -> Mapping[str, str]:
        """Variables that it gets beside our own."""
        return {}

    @property
    def _record(self) -> Path:
        return self.folder / "process.json"

    def _recorded(self) -> Process | None:
        try:
            return Process(**json.loads(self._record.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _signal(self, number: signal.Signals) -> bool:
        """Send a signal to the process; False when there is none."""
        pid = self.pid
        if pid is None:
            return False
        os.kill(pid, number)
        return True

    def _ends_in_order(self, deadline: float) -> bool:
        """Wait for the end of a server that was told to end; False when it will not, or not by then (monotonic)."""
        return self._wait_for_end(deadline - time.monotonic())

    def _wait_for_end(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self.pid is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def _wait_until_it_answers(self, deadline: float) -> None:
        while time.monotonic() < deadline and self.pid is not None:
            if self._answers():
                return
            time.sleep(POLL_S)
        state = "did not answer in time" if self.pid is not None else "ended while it started"
        raise OperatorError(f"{self.name} {state}", where=str(self.log), remedy="the log says why")
