"""Which process this is, so exactly that another process can tell whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
START_TIME_FIELD = 19
"""Where the start time stands in /proc/PID/stat, counted after the closing parenthesis of the name."""

ZOMBIE = "Z"
"""The state of a process that has ended and whose parent has not asked how."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of a host. ``boot`` and ``born`` tell a process from a later one with its number."""

    host: str
    boot: str
    pid: int
    born: str

    @classmethod
    def this(cls) -> Process:
        """The process that asks."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Process:
        """A process of this host that lives now."""
        return cls(socket.gethostname(), _boot(), pid, _born(pid))

    @property
    def is_here(self) -> bool:
        """Whether it is, or was, a process of this host."""
        return self.host == socket.gethostname()

    def is_surely_dead(self) -> bool:
        """True only when this host knows that the process is gone; a process elsewhere may always live."""
        if not self.is_here:
            return False
        if self.boot != _boot():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # it lives, as another user
        return _born(self.pid) != self.born


def _boot() -> str:
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


def _born(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == ZOMBIE and not _has_other_threads(pid) else fields[START_TIME_FIELD]


def _has_other_threads(pid: int) -> bool:
    """A process whose first thread has ended is a zombie by its state, while the others still write and listen."""
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:
        return False
