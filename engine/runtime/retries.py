"""How long a table waits before it tries again, and when it gives up."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import SystemRandom

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 10.0
PATIENCE_S = 300.0
"""How long a table may fail without a single commit, or so long a time without a failure, in between."""


@dataclass(slots=True)
class Retries:
    """Waits that double, with jitter so that two workers of one table do not collide again and again."""

    failing_since: float | None = None
    failed_at: float = 0.0
    attempts: int = 0
    _random: SystemRandom = field(default_factory=SystemRandom)

    def wait_s(self, now: float) -> float | None:
        """How long to wait after a failure at ``now`` (monotonic seconds); None: it has been too long."""
        if now - self.failed_at > PATIENCE_S:
            self.succeeded()  # it worked for long, with nothing to commit
        self.failed_at = now
        if self.failing_since is None:
            self.failing_since = now
        if now - self.failing_since > PATIENCE_S:
            return None
        longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self.attempts, 20))
        self.attempts += 1
        return self._random.uniform(longest / 2, longest)

    def succeeded(self) -> None:
        """Something was committed: the next failure is a new one."""
        self.failing_since, self.attempts = None, 0
