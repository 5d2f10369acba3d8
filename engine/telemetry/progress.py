"""One line on a terminal that is rewritten in place, and that logs do not run into."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Sequence
from typing import TextIO

from engine.telemetry.counters import TableCounters

_CLEAR = "\r\x1b[K"
_RATE_WINDOW_S = 3.0


class ProgressLine:
    """Shows the totals of some tables. Also a stream: what is written to it appears above the line."""

    def __init__(self, terminal: TextIO, counters: Sequence[TableCounters]) -> None:
        self._terminal = terminal
        self._counters = counters
        self._shown = ""
        self._lock = threading.Lock()
        self._samples: list[tuple[float, int]] = []

    def show(self) -> None:
        """Write the line again, with the totals of now."""
        now, rows = time.monotonic(), sum(one.rows for one in self._counters)
        self._samples = [(at, seen) for at, seen in self._samples if now - at <= _RATE_WINDOW_S]
        self._samples.append((now, rows))
        at, seen = self._samples[0]
        rate = (rows - seen) / (now - at) if now > at else 0.0
        self._replace(progress_text(self._counters, rate))

    def write(self, text: str) -> None:
        """Write whole lines above the progress line."""
        with self._lock:
            self._terminal.write(f"{_CLEAR}{text}{self._shown}")

    def clear(self) -> None:
        """Take the progress line away until it is shown again."""
        self._replace("")

    def flush(self) -> None:
        """Hand on what was written."""
        self._terminal.flush()

    def close(self) -> None:
        """Leave the last totals standing as an ordinary line."""
        self.show()
        with self._lock:
            if self._shown:
                self._terminal.write("\n")
            self._shown = ""
        self.flush()

    def _replace(self, text: str) -> None:
        with self._lock:
            self._shown = text[: shutil.get_terminal_size().columns - 1]
            self._terminal.write(_CLEAR + self._shown)
        self.flush()


def progress_text(counters: Sequence[TableCounters], rate: float) -> str:
    """The totals of some tables in one line; ``rate`` is in rows a second."""
    if not counters:
        return ""
    name = counters[0].table if len(counters) == 1 else f"{len(counters)} tables"
    parts = [f"{name}: {_phases(counters)}", f"{sum(one.rows for one in counters):,} rows", f"{rate:,.0f}/s"]
    if rescued := sum(one.rescued for one in counters):
        parts.append(f"{rescued:,} values rescued")
    lags = [one.lag_s for one in counters if one.lag_s is not None]
    if lags:
        parts.append(f"lag {max(lags):.1f} s")
    return "  ".join(parts)


def _phases(counters: Sequence[TableCounters]) -> str:
    """What the tables do; only what differs is counted."""
    phases = [one.phase for one in counters]
    kinds = list(dict.fromkeys(phases))
    if len(kinds) == 1:
        return str(kinds[0])
    return ", ".join(f"{phases.count(kind)} {kind}" for kind in kinds)
