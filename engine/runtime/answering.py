"""Lets others ask a run how it is: probes and Prometheus through a port, or the supervisor through a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from engine.runtime.running import Show
from engine.runtime.supervisor import Watcher
from engine.telemetry.counters import TableCounters


@contextmanager
def answering(address: tuple[str, int], beats: int | None, show: Show) -> Iterator[Show]:
    """What tells of the tables as ``show`` does, and to those who ask as well.

    Args:
        address: host and port to answer on; port 0 is none.
        beats: the writing end of the supervisor's pipe, a file descriptor.

    Raises:
        PortUnusable: somebody else listens there.
    """
    if not address[1] and beats is None:
        yield show
        return
    from engine.telemetry.metrics.vitals import OwnVitals  # noqa: PLC0415  loaded for those who ask only

    vitals = OwnVitals()

    @contextmanager
    def watched(counters: Sequence[TableCounters]) -> Iterator[Watcher]:
        vitals.watch(counters)
        with show(counters) as watcher:
            yield watcher

    if beats is not None:
        from engine.telemetry.metrics.beats import send_beats  # noqa: PLC0415  the same

        send_beats(beats, vitals)
        yield watched
        return
    from engine.telemetry.metrics.server import health_server  # noqa: PLC0415  the same

    with health_server(*address, vitals):
        yield watched
