"""Traces of batches, folds, requests, jobs and reconciliations; without a collector's address nothing is loaded, and a
call costs nothing.

One trace follows a batch from its records through decoding and commit to the fold that takes it in. A record that
carries a W3C ``traceparent`` (a Kafka header) goes on with its writer's trace: the first of a batch is the batch's
parent, and all of them are its links. Attributes are names from specs and numbers; an error is told by its code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import MappingProxyType
from typing import Protocol

from engine.errors import ToolMissing

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
TRACEPARENT = "traceparent"
PROBE = "probe"
"""What a request begins as that machines send every few seconds: fewer of them are sent."""
MAX_LINKS = 128
"""Records of a batch that are linked, and batches of a fold."""


class Span(Protocol):
    """Something under way."""

    def tell(self, **attributes: str | int) -> None:
        """What is known of it only now: names from specs and numbers."""

    def rename(self, name: str) -> None:
        """What it turned out to be."""

    def fail(self, code: str) -> None:
        """It went wrong, and raises nothing."""


class _Unheard:
    """For when nobody records."""

    def tell(self, **_: str | int) -> None:
        """Nothing."""

    def rename(self, _: str) -> None:
        """Nothing."""

    def fail(self, _: str) -> None:
        """Nothing."""


class Recorder(Protocol):
    """What writes spans; ``engine.telemetry.otlp`` has the one there is."""

    def span(
        self, name: str, attributes: Mapping[str, str | int], links: Sequence[str]
    ) -> AbstractContextManager[Span]:
        """A span below the current one; without a current one below the first link."""

    def request(self, name: str, caller: str | None) -> AbstractContextManager[Span]:
        """A request that is served here, below its caller's span."""

    def current(self) -> str | None:
        """The current span, as a ``traceparent``."""

    def close(self) -> None:
        """Send what is left, for a moment at most."""


_NOTHING: nullcontext[Span] = nullcontext(_Unheard())
_recorders: list[Recorder] = []


def is_on() -> bool:
    """Whether anybody records."""
    return bool(_recorders)


def span(name: str, links: Sequence[str] = (), **attributes: str | int) -> AbstractContextManager[Span]:
    """Something that takes time: ``with span("commit", table="orders"): ...``.

    Args:
        links: what it goes on with, each as a ``traceparent``; those that are none are left out.
    """
    if not _recorders:
        return _NOTHING
    return _recorders[0].span(name, attributes, links[:MAX_LINKS])


def request(name: str, caller: str | None) -> AbstractContextManager[Span]:
    """A request that is served here; ``caller`` is its header ``traceparent``."""
    return _recorders[0].request(name, caller) if _recorders else _NOTHING


def current() -> str | None:
    """The current span as a ``traceparent``; None when nobody records."""
    return _recorders[0].current() if _recorders else None


@contextmanager
def tracing(service: str, defaults: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """Record while the block runs, if the environment names a collector (OpenTelemetry's own variables).

    Args:
        defaults: variables as the specs have them; the environment's own win. Processes that are started meanwhile
            inherit them.

    Raises:
        ToolMissing: a collector is named, and OpenTelemetry is not installed.
        UsageError: a variable cannot be understood.
    """
    added = {name: value for name, value in defaults.items() if not os.environ.get(name)}
    os.environ.update(added)
    try:
        make = recorder_maker()
        if make is None:
            yield
            return
        with _recording(make(service)):
            yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def recorder_maker(environment: Mapping[str, str] = os.environ) -> Callable[[str], Recorder] | None:
    """What makes a recorder of a service; None when the environment names no collector.

    Raises:
        ToolMissing: it does, and OpenTelemetry is not installed.
    """
    is_wanted = any(environment.get(name) for name in ENDPOINTS)
    if not is_wanted or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        from engine.telemetry.otlp import OtlpRecorder  # noqa: PLC0415  loaded for those who ask only
    except ModuleNotFoundError as error:
        raise ToolMissing(
            f"traces are asked for and their libraries are not installed ({error.name})",
            where=f"{' or '.join(ENDPOINTS)}, or the target's `telemetry`",
            remedy="pip install 'oplake[telemetry]', or set OTEL_SDK_DISABLED=true",
        ) from error
    return OtlpRecorder


@contextmanager
def _recording(recorder: Recorder) -> Iterator[None]:
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
