"""How a process is asked to stop, and how it leaves."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

EXIT_INCOMPLETE = 6


@dataclass(slots=True)
class StopRequest:
    """Set by a signal, read by every worker.

    A plain attribute and no ``threading.Event``: a signal handler that runs while the main thread is inside
    the event's own lock would wait for itself.
    """

    requested: bool = False
    deadline: float | None = None
    """Monotonic time after which nobody waits for the batch."""

    def request(self, grace_s: float) -> None:
        """Ask for a stop; after ``grace_s`` seconds it is due."""
        self.requested = True
        self.deadline = time.monotonic() + grace_s

    @property
    def is_overdue(self) -> bool:
        """Whether the grace is over."""
        return self.deadline is not None and time.monotonic() > self.deadline


@contextmanager
def stop_on_signals(stop: StopRequest, grace_s: float) -> Iterator[None]:
    """The first SIGTERM or SIGINT asks for a stop, the second leaves at once."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            # Not `leave`: the handler may stand in the middle of a write to the stream it would flush.
            os._exit(EXIT_INCOMPLETE)
        stop.request(grace_s)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_when_input_ends(stop: StopRequest, grace_s: float) -> None:
    """Ask for a stop when whoever holds the other end of standard input is gone.

    When a stop is under way already, somebody has lost patience: the process ends at once.
    """

    def watch() -> None:
        while os.read(0, 1):
            pass
        if stop.requested:
            os._exit(EXIT_INCOMPLETE)
        stop.request(grace_s)

    threading.Thread(target=watch, name="input", daemon=True).start()


def leave(exit_code: int) -> NoReturn:
    """End the process without the interpreter's own clean-up.

    Safe at any moment: a Delta commit is there whole or not at all. Deliberate, because deltalake's threads
    sometimes abort the process (exit 134) while the interpreter takes itself down.
    """
    for stream in (sys.stdout, sys.stderr):
        # A reader that has gone away must not turn a clean exit into a failure.
        with _ignoring_closed_pipe():
            stream.flush()
    os._exit(exit_code)


@contextmanager
def _ignoring_closed_pipe() -> Iterator[None]:
    try:
        yield
    except (BrokenPipeError, ValueError):
        return
