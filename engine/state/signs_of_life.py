"""How long a process is believed to be at work.

On its own host the list of processes decides: a host that slept has said nothing for long, and its processes go on. On
another host it counts as gone when it has not been heard of for ``SILENCE_S``.
"""

from __future__ import annotations

from engine.state.process import Process

HEARD_EVERY_S = 20.0
"""How often a process says that it lives."""
SILENCE_S = 120
"""Far more than ``HEARD_EVERY_S``, for the database may be slow, or away for a moment. Its clock alone counts."""


def lives(process: Process, silence_s: float) -> bool:
    """Whether a process may be at work that was heard of so many seconds ago."""
    return not process.is_surely_dead() if process.is_here else silence_s <= SILENCE_S
