"""How processes that read for another stop with it: by a pipe whose other end it holds until it has all, or is gone."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

GRACE_S = 5.0
"""How long a process may take to its next batch of documents, before it ends as if it were killed."""

_let_go = threading.Event()
"""Of a process that reads for another: that one wants no more."""


class Stopped(Exception):
    """Whoever asked for this wants it no more."""


def obey(leash: Connection, leader: int) -> None:
    """Stop when the leader lets go, and end when it is gone; called once in the process that reads."""

    def watch() -> None:
        leash.poll(None)  # nothing is ever sent: it returns when the other end is closed
        _let_go.set()
        until = time.monotonic() + GRACE_S
        while os.getppid() == leader and time.monotonic() < until:
            time.sleep(0.1)
        os._exit(1)

    threading.Thread(target=watch, name="leash", daemon=True).start()


def require_leash() -> None:
    """Go on only while the leader holds on.

    Raises:
        Stopped: it has let go.
    """
    if _let_go.is_set():
        raise Stopped


@contextmanager
def held_back_interrupts() -> Iterator[None]:
    """Keep Ctrl-C for ever from processes that this thread starts meanwhile; other threads of this one still hear it.

    A terminal sends it to all processes, and each would print where it was.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
