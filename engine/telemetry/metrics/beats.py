"""What a worker process tells its supervisor every second: its counters, a JSON line through a pipe."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from engine.telemetry.counters import TableCounters
from engine.telemetry.metrics.vitals import OwnVitals

BEAT_EVERY_S = 1.0


class Beat(msgspec.Struct):
    """One line; ``tables`` is None before they are known."""

    tables: list[TableCounters] | None


def send_beats(pipe: int, vitals: OwnVitals, every_s: float = BEAT_EVERY_S) -> None:
    """Write this process's counters to a pipe from now on, in a thread that ends with the process.

    Args:
        pipe: the writing end, a file descriptor. When nobody reads it any more, nobody is told.
    """

    def send() -> None:
        try:
            with os.fdopen(pipe, "wb", buffering=0) as stream:
                while True:
                    tables = vitals.tables
                    stream.write(msgspec.json.encode(Beat(None if tables is None else list(tables))) + b"\n")
                    time.sleep(every_s)
        except BrokenPipeError:
            return

    threading.Thread(target=send, name="beats", daemon=True).start()


def read_beats(stream: BinaryIO, heard: Callable[[Beat], None]) -> None:
    """Hand on every beat until the process that sends them is gone."""
    decoder = msgspec.json.Decoder(Beat)
    with stream:
        for line in stream:
            if line.endswith(b"\n"):  # a process that was killed may leave half a line
                heard(decoder.decode(line))
