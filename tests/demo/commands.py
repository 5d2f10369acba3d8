"""Runs the real command line as anybody would, and shows it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

from tests.demo.screen import DemoFailed, Screen

OPLAKE = str(Path(sys.executable).with_name("oplake"))
PATIENCE_S = 120
PENDING = 3
"""Exit code of a plan with something to do."""


class Commands:
    """``oplake`` in one project folder, with the server's address in its environment."""

    def __init__(self, screen: Screen, folder: Path, uri: str) -> None:
        self._screen, self._folder = screen, folder
        self._environment = {**os.environ, "OPLAKE_MONGODB_URI": uri, "COLUMNS": "140"}

    def oplake(self, *arguments: str, expect: int = 0) -> str:
        """Run a command to its end, show what it printed, and return that.

        Raises:
            DemoFailed: it exits with another code than ``expect``.
        """
        self._screen.command(_spelled(arguments))
        finished = subprocess.run(
            [OPLAKE, *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self._screen.output("\n".join(map(_readable, finished.stdout.splitlines())))
        if finished.returncode != expect:
            raise DemoFailed(f"`{_spelled(arguments)}` exits with {finished.returncode}, not {expect}")
        return finished.stdout

    def number(self, sql: str) -> int:
        """The single number that a query finds."""
        rows = json.loads(self.quietly("query", sql, "--format", "json"))
        return int(next(iter(rows[0].values())))

    def quietly(self, *arguments: str) -> str:
        """Run a command that is part of a check, not of the story."""
        finished = subprocess.run(
            [OPLAKE, *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise DemoFailed(f"`{_spelled(arguments)}` fails: {finished.stderr}")
        return finished.stdout

    @contextmanager
    def in_background(self, *arguments: str) -> Iterator[Background]:
        """A command that runs beside the story; whatever happens, it does not outlive it."""
        self._screen.command(f"{_spelled(arguments)} &")
        process = subprocess.Popen(
            [OPLAKE, *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield Background(process, self._screen)
            finally:
                process.kill()


class Background:
    """A running command and what it tells."""

    def __init__(self, process: subprocess.Popen[str], screen: Screen) -> None:
        self._process, self._screen = process, screen
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: it can do nothing about it."""
        self._process.kill()
        self._process.wait()

    def finish(self) -> None:
        """Wait for its own end.

        Raises:
            DemoFailed: it fails, or is still at it after a long time.
        """
        try:
            code = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise DemoFailed(f"process {self.pid} is not done after {PATIENCE_S} s") from None
        if code:
            raise DemoFailed(f"process {self.pid} exits with {code}")

    def show_until(self, event: str, times: int = 1) -> None:
        """Show its log until it has told this event so many times.

        Raises:
            DemoFailed: it ends before, or stays silent for too long.
        """
        while times:
            try:
                line = self._lines.get(timeout=PATIENCE_S)
            except Empty:
                line = None
            if line is None:
                raise DemoFailed(f"`oplake run` did not come to {event!r}")
            self._screen.output(_readable(line))
            times -= f'"event": "{event}"' in line

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._lines.put(line)
        self._lines.put(None)


def _spelled(arguments: tuple[str, ...]) -> str:
    return "oplake " + " ".join(
        f'"{argument}"' if " " in argument and '"' not in argument else shlex.quote(argument) for argument in arguments
    )


def _readable(line: str) -> str:
    """Log lines are JSON when nobody watches; here they are shortened to what matters."""
    if not line.startswith('{"timestamp"'):
        return line
    entry = json.loads(line)
    shown = [f"{name} {entry[name]:,}" for name in ("rows", "rescued", "updated", "deleted") if entry.get(name)]
    return f"{entry['timestamp'][11:23]}  {entry.get('table', ''):<8} {entry['event']:<16} {', '.join(shown)}".rstrip()
