"""The vitals of worker processes, as their beats tell them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from engine.telemetry.counters import TableCounters
from engine.telemetry.metrics.beats import Beat, read_beats
from engine.telemetry.metrics.exposition import Reading
from engine.telemetry.metrics.merging import merged
from engine.telemetry.metrics.verdict import Verdict, live, ready
from engine.telemetry.metrics.vitals import STARTING

LATE_AFTER_S = 60.0
"""A process that has told nothing for so long hangs as a whole; to load its libraries takes it seconds."""


@dataclass(slots=True)
class Pulse:
    """What was last heard of one process."""

    heard_at: float
    tables: list[TableCounters] | None = None
    is_gone: bool = False


@dataclass(slots=True)
class SupervisedVitals:
    """Those of so many processes. Beats arrive in threads; each replaces one attribute, so no lock is needed."""

    count: int
    clock: Callable[[], float] = time.monotonic
    _pulses: dict[int, Pulse] = field(default_factory=dict)
    _ended: list[TableCounters] = field(default_factory=list)
    _restarts: int = 0
    _watched_at: float | None = None

    def watching(self) -> None:
        """The supervisor itself moves."""
        self._watched_at = self.clock()

    def started(self, number: int, pipe: int) -> threading.Thread:
        """A process was started, and tells of itself through this pipe.

        Args:
            pipe: the reading end, a file descriptor.

        Returns:
            The thread that listens until the process is gone.
        """
        if number in self._pulses:
            self._restarts += 1
        pulse = self._pulses[number] = Pulse(self.clock())

        def heard(beat: Beat) -> None:
            pulse.tables, pulse.heard_at = beat.tables, self.clock()

        listener = threading.Thread(target=read_beats, args=(os.fdopen(pipe, "rb"), heard), daemon=True)
        listener.start()
        return listener

    def ended(self, number: int) -> None:
        """A process is gone; its totals stay, up to its last beat."""
        pulse = self._pulses[number]
        pulse.is_gone = True
        self._ended = merged((), [*self._ended, *(pulse.tables or ())])
        pulse.tables = None

    def live(self) -> Verdict:
        """Whether the supervisor and every process that there is move."""
        now = self.clock()
        return Verdict(tuple(self._stalled(now)))

    def ready(self) -> Verdict:
        """Whether all processes are there and each is ready."""
        return Verdict(tuple(dict.fromkeys(self._unready())))

    def reading(self) -> Reading:
        """The counters of all."""
        living = [pulse for pulse in list(self._pulses.values()) if not pulse.is_gone]
        tables = merged([one for pulse in living for one in pulse.tables or ()], self._ended)
        return Reading(tables, len(living), self._restarts)

    def _stalled(self, now: float) -> Iterator[str]:
        if self._watched_at is not None and now - self._watched_at > LATE_AFTER_S:
            yield "the supervisor does not move"
        for number, pulse in sorted(self._pulses.items()):
            if pulse.is_gone:
                continue
            if now - pulse.heard_at > LATE_AFTER_S:
                yield f"worker {number}: nothing heard for {now - pulse.heard_at:.0f} s"
            yield from (f"worker {number}: {reason}" for reason in live(pulse.tables or (), now).reasons)

    def _unready(self) -> Iterator[str]:
        for number in range(self.count):
            pulse = self._pulses.get(number)
            if pulse is None or pulse.is_gone:
                yield f"worker {number}: does not run"
                continue
            verdict = STARTING if pulse.tables is None else ready(pulse.tables)
            yield from (f"worker {number}: {reason}" for reason in verdict.reasons)
