"""Keeps those pipelines running that shall run: one ``oplake run`` process each, started, stopped and restarted."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.runtime.restarts import Restarts
from engine.state.wanted_runs import WantedRun, WantedRuns
from engine.telemetry.logs import logger

GRACE_S = 30
KILL_AFTER_S = 5
_OPLAKE = "from engine.cli.main import main; main()"


@dataclass(slots=True)
class Child:
    """The process of one pipeline, now or as it ended last."""

    process: subprocess.Popen[bytes]
    generation: int
    started_at: float
    asked_to_end: float | None = None
    start_at: float | None = None
    """Ended by itself; to be started again then. None: it runs, or will not be."""
    restarts: Restarts = field(default_factory=Restarts)

    @property
    def lives(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    def ask_to_end(self) -> None:
        """In good order at first, then not."""
        now = time.monotonic()
        if self.asked_to_end is None:
            self.asked_to_end = now
            self.process.terminate()
        elif now - self.asked_to_end > GRACE_S + KILL_AFTER_S:
            self.process.kill()


class WishedRuns:
    """The processes of one target. They end in good order when this process is gone, however it went."""

    def __init__(self, arguments: Sequence[str], wanted: WantedRuns) -> None:
        """Nothing is started yet.

        Args:
            arguments: ``--project`` and ``--target`` of the runs.
        """
        self._arguments = list(arguments)
        self._wanted = wanted
        self._children: dict[str, Child] = {}
        self._told: dict[str, tuple[str, str]] = {}

    def look_after(self) -> None:
        """Bring what runs nearer to what shall run; to be called now and then."""
        for name, wish in self._wanted.all().items():
            self._tell(name, *self._step(name, wish))

    def end(self) -> None:
        """End all in good order, and wait for it."""
        while alive := [child for child in self._children.values() if child.lives]:
            for child in alive:
                child.ask_to_end()
            time.sleep(0.1)
        for name in self._children:
            self._tell(name, "waiting", "the worker has ended")

    def _step(self, name: str, wish: WantedRun) -> tuple[str, str]:
        child = self._children.get(name)
        if child is not None and child.lives:
            if wish.wish == "running" and child.generation == wish.generation:
                return "running", f"process {child.process.pid}"
            child.ask_to_end()
            return "stopping", f"process {child.process.pid}"
        if wish.wish != "running":
            self._children.pop(name, None)
            return wish.wish, ""
        if child is None or child.generation != wish.generation or child.asked_to_end is not None:
            return self._start(name, wish, Restarts())
        return self._again(name, wish, child)

    def _again(self, name: str, wish: WantedRun, child: Child) -> tuple[str, str]:
        """It ended though it shall run: wait a little longer each time, and in the end for somebody to look."""
        now = time.monotonic()
        code = child.process.returncode
        if child.start_at is None:
            wait_s = child.restarts.wait_s(now - child.started_at)
            child.start_at = float("inf") if wait_s is None else now + wait_s
        if child.start_at == float("inf"):
            return "failed", f"it ended again and again, last with exit code {code}; its log says why, then restart it"
        if now < child.start_at:
            return "waiting", f"it ended with exit code {code}, and is started again"
        return self._start(name, wish, child.restarts)

    def _start(self, name: str, wish: WantedRun, restarts: Restarts) -> tuple[str, str]:
        arguments = ["run", name, *self._arguments, "--grace", f"{GRACE_S}s", "--supervised", "0"]
        # The pipe is never written to: its end tells the process that this one is gone.
        process = subprocess.Popen([sys.executable, "-c", _OPLAKE, *arguments], stdin=subprocess.PIPE)  # noqa: S603
        self._children[name] = Child(process, wish.generation, time.monotonic(), restarts=restarts)
        logger(pipeline=name).info("run started", pid=process.pid)
        return "running", f"process {process.pid}"

    def _tell(self, name: str, state: str, detail: str) -> None:
        if self._told.get(name) != (state, detail):
            self._wanted.tell(name, state, detail)
            self._told[name] = (state, detail)
