"""Writes spans to an OpenTelemetry collector, over OTLP and HTTP. Needs the extra ``telemetry``."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from engine.errors import OplakeError, UsageError
from engine.telemetry.logs import logger
from engine.telemetry.otlp_sampling import WholeTraces, sampler

SHARE = 0.1
SHARE_VARIABLE = "OTEL_TRACES_SAMPLER_ARG"
LAST_WORDS_S = 3.0
"""How long an end waits for a collector."""
COMPLAIN_EVERY_S = 60.0
_PARENT = re.compile(r"00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})")


class OtlpSpan:
    """One span, while it is open."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def tell(self, **attributes: str | int) -> None:
        """What is known of it only now."""
        self._span.set_attributes(attributes)

    def rename(self, name: str) -> None:
        """What it turned out to be."""
        self._span.update_name(name)

    def fail(self, code: str) -> None:
        """It went wrong."""
        self._span.set_attribute("error.type", code)
        self._span.set_status(StatusCode.ERROR)


class OtlpRecorder:
    """Spans of one process. Where they go is said by OpenTelemetry's own variables."""

    def __init__(self, service: str) -> None:
        _tell_failures()
        name = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
        self._provider = TracerProvider(
            sampler=sampler(_share()),
            resource=Resource.create({**name, "service.version": version("oplake")}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(WholeTraces(BatchSpanProcessor(OTLPSpanExporter())))
        self._tracer = self._provider.get_tracer("oplake")

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, str | int], links: Sequence[str]) -> Iterator[OtlpSpan]:
        """A span below the current one; without a current one below the first link."""
        told = [context for link in links if (context := parse(link)) is not None]
        is_first = not trace.get_current_span().get_span_context().is_valid
        above = told[0] if told and is_first else None
        with self._begun(name, above, SpanKind.INTERNAL, attributes, told) as one:
            yield one

    @contextmanager
    def request(self, name: str, caller: str | None) -> Iterator[OtlpSpan]:
        """A request that is served here, below its caller's span."""
        above = None if caller is None else parse(caller)
        with self._begun(name, above, SpanKind.SERVER, {}, ()) as one:
            yield one

    @contextmanager
    def _begun(
        self,
        name: str,
        above: SpanContext | None,
        kind: SpanKind,
        attributes: Mapping[str, str | int],
        told: Sequence[SpanContext],
    ) -> Iterator[OtlpSpan]:
        with self._tracer.start_as_current_span(
            name,
            context=None if above is None else trace.set_span_in_context(NonRecordingSpan(above)),
            kind=kind,
            attributes=dict(attributes),
            links=[Link(context) for context in told],
            record_exception=False,  # a message may quote data
            set_status_on_exception=False,
        ) as one:
            span = OtlpSpan(one)
            try:
                yield span
            except Exception as error:
                span.fail(error.code if isinstance(error, OplakeError) else type(error).__name__)
                raise

    def current(self) -> str | None:
        """The current span, as a ``traceparent``."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return None
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"

    def close(self) -> None:
        """Send what is left; a collector that does not answer is not waited for."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(LAST_WORDS_S)


def parse(text: str) -> SpanContext | None:
    """The context that a ``traceparent`` names; None when it is none."""
    found = _PARENT.fullmatch(text)
    if found is None:
        return None
    context = SpanContext(
        int(found["trace"], 16), int(found["span"], 16), is_remote=True, trace_flags=TraceFlags(int(found["flags"], 16))
    )
    return context if context.is_valid else None


def _share() -> float:
    text = os.environ.get(SHARE_VARIABLE) or str(SHARE)
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(
            f"{text!r} is no share", where=SHARE_VARIABLE, remedy="write a number from 0 to 1, such as 0.1"
        )
    return share


class _Failures(logging.Handler):
    """What OpenTelemetry complains of, as one line of ours a minute: its own may quote what it sends."""

    told_at = -COMPLAIN_EVERY_S

    def emit(self, record: logging.LogRecord) -> None:
        """Say that traces are lost."""
        if time.monotonic() - self.told_at >= COMPLAIN_EVERY_S:
            self.told_at = time.monotonic()
            logger().warning("traces not sent", by=record.name)


def _tell_failures() -> None:
    log = logging.getLogger("opentelemetry")
    if not any(isinstance(one, _Failures) for one in log.handlers):
        log.addHandler(_Failures(logging.WARNING))
    log.propagate = False
