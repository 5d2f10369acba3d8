"""Writes spans to an OpenTelemetry collector, over OTLP and HTTP. Needs the extra ``telemetry``.

Of the traces that begin here one in ten is sent (``OTEL_TRACES_SAMPLER_ARG``, a share), and of those that somebody
else began, the ones they have sampled; whatever fails is sent always. So every span is recorded, and a trace's spans
wait for its end before they are sent or forgotten: a batch has three.
"""

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
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, StatusCode, TraceFlags

from engine.errors import OplakeError
from engine.telemetry.logs import logger

SHARE = 0.1
LAST_WORDS_S = 3.0
"""How long an end waits for a collector."""
COMPLAIN_EVERY_S = 60.0
_PARENT = re.compile(r"00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})")


class OtlpRecorder:
    """Spans of one process. Where they go is said by OpenTelemetry's own variables."""

    def __init__(self, service: str) -> None:
        _tell_failures()
        name = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
        share = float(os.environ.get("OTEL_TRACES_SAMPLER_ARG") or SHARE)
        self._provider = TracerProvider(
            sampler=RecordAll(ParentBased(TraceIdRatioBased(share))),
            resource=Resource.create({**name, "service.version": version("oplake")}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(WholeTraces(BatchSpanProcessor(OTLPSpanExporter())))
        self._tracer = self._provider.get_tracer("oplake")

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, str | int], links: Sequence[str]) -> Iterator[None]:
        """A span below the current one; without a current one below the first link."""
        told = [context for link in links if (context := parse(link)) is not None]
        above = None
        if told and not trace.get_current_span().get_span_context().is_valid:
            above = trace.set_span_in_context(NonRecordingSpan(told[0]))
        with self._tracer.start_as_current_span(
            name,
            context=above,
            attributes=dict(attributes),
            links=[Link(context) for context in told],
            record_exception=False,  # a message may quote data
            set_status_on_exception=False,
        ) as one:
            try:
                yield
            except Exception as error:
                one.set_attribute("error.type", error.code if isinstance(error, OplakeError) else type(error).__name__)
                one.set_status(StatusCode.ERROR)
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


class RecordAll(Sampler):
    """Decides as another sampler does, but has what that one drops recorded: it may yet fail."""

    def __init__(self, decides: Sampler) -> None:
        self._decides = decides

    def should_sample(self, *arguments: object, **named: object) -> SamplingResult:
        """Whether a span is sent in any case."""
        told = self._decides.should_sample(*arguments, **named)  # type: ignore[arg-type]  # as they came
        decision = Decision.RECORD_ONLY if told.decision is Decision.DROP else told.decision
        return SamplingResult(decision, told.attributes, told.trace_state)

    def get_description(self) -> str:
        """For whoever looks at the provider."""
        return f"RecordAll({self._decides.get_description()})"


class WholeTraces(SpanProcessor):
    """Hands on what is sampled at once, and the rest of a trace when something in it has failed."""

    def __init__(self, send: SpanProcessor) -> None:
        self._send = send
        self._waiting: dict[tuple[int, int], list[ReadableSpan]] = {}
        """By trace and thread: tables of one process may go on with the same trace, each in a thread of its own."""

    def on_start(self, span: ReadableSpan, parent_context: Context | None = None) -> None:
        """Nothing: a span is looked at when it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """A span has ended; one without a parent of this process is the last of its trace's here."""
        context = span.context
        if context is None:
            return
        if context.trace_flags.sampled:
            self._send.on_end(span)
            return
        mine = (context.trace_id, threading.get_ident())
        waiting = self._waiting.setdefault(mine, [])
        waiting.append(span)
        if span.parent is None or span.parent.is_remote:
            del self._waiting[mine]
            if any(one.status.status_code is StatusCode.ERROR for one in waiting):
                for one in waiting:
                    self._send.on_end(_sampled(one))

    def shutdown(self) -> None:
        """Send what is left."""
        self._send.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send what is there."""
        return self._send.force_flush(timeout_millis)


def _sampled(one: ReadableSpan) -> ReadableSpan:
    context = one.context
    assert context is not None  # noqa: S101  every span that has ended has one
    flags = TraceFlags(context.trace_flags | TraceFlags.SAMPLED)
    return ReadableSpan(
        one.name,
        SpanContext(context.trace_id, context.span_id, is_remote=False, trace_flags=flags),
        parent=one.parent,
        resource=one.resource,
        attributes=one.attributes,
        links=one.links,
        kind=one.kind,
        status=one.status,
        start_time=one.start_time,
        end_time=one.end_time,
        instrumentation_scope=one.instrumentation_scope,
    )


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
