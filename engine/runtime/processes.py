"""Runs several worker processes of the same command, and starts again those that die.

The processes know nothing of each other: the consumer groups share out the partitions among them, and among
those on other hosts. A process holds the reading end of a pipe as its standard input; when the supervisor is
gone, however it went, the pipe closes and the process stops as if it had been asked to.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import OperatorError
from engine.runtime.restarts import Restarts
from engine.runtime.stopping import EXIT_INCOMPLETE, StopRequest
from engine.telemetry.logs import logger

if TYPE_CHECKING:
    from engine.telemetry.metrics.supervised import SupervisedVitals

WATCH_S = 0.1
CALM_S = 5.0
"""A process that was started so long ago is at work."""
KILL_AFTER_S = 5.0
"""How much longer than its grace a process may take to end."""
LAST_WORDS_S = 1.0
"""What a process told before it ended has been heard after so long."""
_OPLAKE = "from engine.cli.main import main; main()"
_USAGE = 2


class CrashLoop(OperatorError):
    """A worker process dies again and again."""

    code = "crash-loop"


@dataclass(slots=True)
class Slot:
    """One of the processes there should be."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    """Not to be started again before this."""
    exit_code: int | None = None
    """How it ended for good."""
    restarts: Restarts = field(default_factory=Restarts)
    listener: threading.Thread | None = None
    """Hears what it tells of itself."""


class Processes:
    """So many processes of one command."""

    def __init__(
        self,
        arguments: Sequence[str],
        count: int,
        stop: StopRequest,
        grace_s: float,
        *,
        ends_by_itself: bool,
        vitals: SupervisedVitals | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            arguments: of ``oplake``; each process gets ``--supervised NUMBER`` besides.
            stop: a request is passed on to the processes.
            grace_s: how long they may take for it when it is the supervisor who has to end.
            ends_by_itself: whether a process that ends well has done what there was to do. Otherwise somebody has
                asked it to end, and it is started again.
            vitals: is told of the processes, for whoever asks; each then gets ``--beats DESCRIPTOR`` besides.
        """
        self._arguments = list(arguments)
        self._slots = [Slot(number) for number in range(count)]
        self._stop = stop
        self._grace_s = grace_s
        self._ends_by_itself = ends_by_itself
        self._vitals = vitals
        self._to_roll: list[Slot] = []
        self._asked = False
        self._log = logger()

    def roll(self) -> None:
        """Have every process end in good order and start again, one after the other."""
        self._to_roll = list(self._slots)

    def run(self) -> int:
        """Until all have ended by themselves or were asked to; returns the greatest exit code.

        Raises:
            CrashLoop: a process died young again and again; the others were stopped in good order.
        """
        try:
            while any(slot.exit_code is None for slot in self._slots):
                if self._vitals is not None:
                    self._vitals.watching()
                for slot in self._slots:
                    self._look_after(slot)
                self._pass_on_stop()
                self._roll_next(time.monotonic())
                time.sleep(WATCH_S)
        finally:
            self._end_all()
        return max(slot.exit_code or 0 for slot in self._slots)

    def _look_after(self, slot: Slot) -> None:
        now = time.monotonic()
        if slot.exit_code is not None:
            return
        if slot.process is None:
            if self._stop.requested:
                slot.exit_code = 0
            elif now >= slot.start_at:
                self._start(slot, now)
            return
        code = slot.process.poll()
        if code is not None:
            self._take_leave(slot, code, now)

    def _start(self, slot: Slot, now: float) -> None:
        command = [sys.executable, "-c", _OPLAKE, *self._arguments, "--supervised", str(slot.number)]
        with self._listening(slot) as pipe:
            command += [word for end in pipe for word in ("--beats", str(end))]
            # A session of its own: Ctrl-C reaches the supervisor alone, and the process hears of it once.
            slot.process = subprocess.Popen(  # noqa: S603  our own
                command, stdin=subprocess.PIPE, start_new_session=True, pass_fds=pipe
            )
        slot.started_at = now
        self._log.info("worker started", worker=slot.number, pid=slot.process.pid)

    @contextmanager
    def _listening(self, slot: Slot) -> Iterator[tuple[int, ...]]:
        """The end of a pipe that a process is to write to, if anybody wants to hear of it."""
        if self._vitals is None:
            yield ()
            return
        reading, writing = os.pipe()
        try:
            yield (writing,)
        finally:
            os.close(writing)
            slot.listener = self._vitals.started(slot.number, reading)

    def _take_leave(self, slot: Slot, code: int, now: float) -> None:
        process, slot.process = slot.process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
        if self._vitals is not None and slot.listener is not None:
            slot.listener.join(LAST_WORDS_S)
            self._vitals.ended(slot.number)
        if self._stop.requested and code == -signal.SIGTERM:
            code = 0  # it was asked before it had begun: nothing was in hand
        is_over = self._stop.requested or code == _USAGE or (code == 0 and self._ends_by_itself)
        tell = self._log.warning if code else self._log.info
        tell("worker ended", worker=slot.number, exit_code=code)
        if is_over:
            slot.exit_code = EXIT_INCOMPLETE if code < 0 else code
            return
        wait_s = 0.0 if code == 0 else slot.restarts.wait_s(now - slot.started_at)
        if wait_s is None:
            raise CrashLoop(
                f"worker {slot.number} has died {slot.restarts.crashes} times soon after its start, "
                f"the last time with {_ending(code)}",
                where="oplake run --workers",
                remedy="the log above this line says why each of them ended; nothing is lost, "
                "`oplake run` goes on from the last commit",
            )
        slot.start_at = now + wait_s

    def _roll_next(self, now: float) -> None:
        """End the next process to be started again, once all have been at work for a while."""
        is_calm = all(slot.process is not None and now - slot.started_at >= CALM_S for slot in self._slots)
        if self._to_roll and is_calm and not self._stop.requested:
            slot = self._to_roll.pop(0)
            slot.started_at = math.inf  # calm only returns with the next process, however long this one takes
            if slot.process is not None:
                slot.process.terminate()

    def _pass_on_stop(self) -> None:
        """Each process is asked once, and ends by itself when its grace is over; one that does not is killed."""
        if self._stop.requested and not self._asked:
            self._asked = True
            for process in self._alive():
                process.terminate()
        if self._stop.deadline is not None and time.monotonic() > self._stop.deadline + KILL_AFTER_S:
            for process in self._alive():
                process.kill()

    def _end_all(self) -> None:
        if not self._stop.requested and any(self._alive()):
            self._stop.request(self._grace_s)
        while any(process.poll() is None for process in self._alive()):
            self._pass_on_stop()
            time.sleep(WATCH_S)

    def _alive(self) -> list[subprocess.Popen[bytes]]:
        return [slot.process for slot in self._slots if slot.process is not None]


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
