"""When a worker process that has ended is started again, and when that has no use."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
HEALTHY_S = 60.0
"""A process that lived so long was no part of a crash loop."""
MOST_CRASHES = 5
"""So many short lives in a row are one."""


@dataclass(slots=True)
class Restarts:
    """Waits that double while a process keeps dying young."""

    crashes: int = 0

    def wait_s(self, lived_s: float) -> float | None:
        """How long to wait before the next start; None: it is a crash loop."""
        self.crashes = 1 if lived_s >= HEALTHY_S else self.crashes + 1
        if self.crashes >= MOST_CRASHES:
            return None
        return float(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (self.crashes - 1)))
