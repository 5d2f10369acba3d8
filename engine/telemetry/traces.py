"""Traces of batches and folds; without a collector's address nothing is loaded, and a call costs nothing.

One trace follows a batch from its records through decoding and commit to the fold that takes it in. A record that
carries a W3C ``traceparent`` (a Kafka header) goes on with its writer's trace: the first of a batch is the batch's
parent, and all of them are its links. Attributes are names from specs and numbers; an error is told by its code.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from engine.errors import ToolMissing

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
TRACEPARENT = "traceparent"
MAX_LINKS = 128
"""Records of a batch that are linked, and batches of a fold."""


class Recorder(Protocol):
    """What writes spans; ``engine.telemetry.otlp`` has the one there is."""

    def span(
        self, name: str, attributes: Mapping[str, str | int], links: Sequence[str]
    ) -> AbstractContextManager[object]:
        """A span below the current one; without a current one below the first link."""

    def current(self) -> str | None:
        """The current span, as a ``traceparent``."""

    def close(self) -> None:
        """Send what is left, for a moment at most."""


_NOTHING = nullcontext()
_recorders: list[Recorder] = []


def is_on() -> bool:
    """Whether anybody records."""
    return bool(_recorders)


def span(name: str, links: Sequence[str] = (), **attributes: str | int) -> AbstractContextManager[object]:
    """Something that takes time: ``with span("commit", table="orders"): ...``.

    Args:
        links: what it goes on with, each as a ``traceparent``; those that are none are left out.
    """
    if not _recorders:
        return _NOTHING
    return _recorders[0].span(name, attributes, links[:MAX_LINKS])


def current() -> str | None:
    """The current span as a ``traceparent``; None when nobody records."""
    return _recorders[0].current() if _recorders else None


@contextmanager
def tracing(service: str, environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Record while the block runs, if the environment names a collector (OpenTelemetry's own variables).

    Raises:
        ToolMissing: it does, and OpenTelemetry is not installed.
    """
    is_wanted = any(environment.get(name) for name in ENDPOINTS)
    if not is_wanted or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield
        return
    try:
        from engine.telemetry.otlp import OtlpRecorder  # noqa: PLC0415  loaded for those who ask only
    except ModuleNotFoundError as error:
        raise ToolMissing(
            f"traces are asked for and their libraries are not installed ({error.name})",
            where=" or ".join(ENDPOINTS),
            remedy="pip install 'oplake[telemetry]', or set OTEL_SDK_DISABLED=true",
        ) from error
    recorder = OtlpRecorder(service)
    _recorders.append(recorder)
    try:
        yield
    finally:
        _recorders.remove(recorder)
        recorder.close()


class BatchTraces:
    """The traces of one table: its batches, and the fold that takes them in."""

    def __init__(self, pipeline: str, table: str) -> None:
        self._names = {"oplake.pipeline": pipeline, "oplake.table": table}
        self._unfolded: list[str] = []

    @contextmanager
    def batch(self, records: Sequence[str], rows: int, size_bytes: int) -> Iterator[None]:
        """A batch in hand, until it is committed.

        Args:
            records: what its records carry.
        """
        with span("batch", records, **self._names, **{"oplake.rows": rows, "oplake.bytes": size_bytes}):
            yield
            here = current()
        if here is not None and len(self._unfolded) < MAX_LINKS:
            self._unfolded.append(here)

    @contextmanager
    def fold(self) -> Iterator[None]:
        """A fold of what was committed since the last one."""
        with span("fold", self._unfolded, **self._names):
            yield
        self._unfolded = []
