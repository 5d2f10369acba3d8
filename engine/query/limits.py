"""What a query may use, and the clock that stops it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import duckdb

from engine.errors import UsageError

_MEMORY = re.compile(r"\d+(\.\d+)?\s*(B|[KMGT]i?B)", re.IGNORECASE)
_REPEAT_S = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """Memory as DuckDB writes it (``2GB``), and time for everything until the last row is fetched."""

    memory: str = "2GB"
    time: timedelta = timedelta(seconds=60)

    def __post_init__(self) -> None:
        if not _MEMORY.fullmatch(self.memory):
            raise UsageError(
                f"{self.memory!r} is no amount of memory", where="--memory-limit", remedy="write 500MB or 2GB"
            )
        if self.time <= timedelta():
            raise UsageError("the time limit must be longer than nothing", where="--timeout")


class Deadline:
    """Interrupts a connection once its time is up, and remembers that it did."""

    def __init__(self, time: timedelta) -> None:
        self.time = time
        self.has_passed = False

    @contextmanager
    def watch(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Interrupt whatever the connection runs after the deadline, for as long as the block lasts."""
        done = threading.Event()

        def interrupt() -> None:
            if done.wait(self.time.total_seconds()):
                return
            self.has_passed = True
            # An interrupt between two statements is forgotten by DuckDB, so it is repeated.
            while True:
                connection.interrupt()
                if done.wait(_REPEAT_S):
                    return

        timer = threading.Thread(target=interrupt, name="query-deadline", daemon=True)
        timer.start()
        try:
            yield
        except BaseException as error:
            # Ctrl-C leaves DuckDB's threads at work, and closing the connection would wait for them.
            connection.interrupt()
            if type(error) is RuntimeError:  # what DuckDB makes of a KeyboardInterrupt
                raise KeyboardInterrupt from error
            raise
        finally:
            done.set()
            timer.join()
