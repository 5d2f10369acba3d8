"""A real `oplake` process, and what it has logged."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.faults.nursery import Forked

PATIENCE_S = 300.0
"""As a machine may be slow, and a wait that ends well costs nothing."""


@dataclass
class Running:
    """One process and what it has logged."""

    process: subprocess.Popen[str] | Forked
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        return "".join(self.lines)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    @property
    def has_ended(self) -> bool:
        """Whether nobody is left who could log."""
        return self._ended

    def wait_for(self, event: str, patience_s: float = PATIENCE_S) -> bool:
        """Wait until the process logs this; False when it ends before."""
        until = time.monotonic() + patience_s
        with self._news:
            while not any(f'"event": "{event}"' in line for line in self.lines):
                if self._ended:
                    return False
                assert self._news.wait(until - time.monotonic()), f"no {event!r} in:\n{self.text}"
        return True

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> int:
        """SIGKILL it, and return how it ended: it may have ended by itself before."""
        self.process.kill()
        return self.wait()

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        code = self.process.wait(patience_s)
        self._reader.join()
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
