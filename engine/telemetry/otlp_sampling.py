"""Which traces are sent.

Of the traces that begin here a share is sent, and of those that somebody else began, the ones they have sampled;
whatever fails is sent always. So every span is recorded, and the spans below one that began here wait for its end
before they are sent or forgotten: a batch has three.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes

from engine.telemetry.traces import PROBE

PROBES_ARE = 0.1
"""So much of the share is sent of them."""
ALWAYS = frozenset({"DELETE", "PATCH", "POST", "PUT", "job", "reconcile"})
"""Rare, and asked for by a person: all are sent."""
MAX_WAITING = 2000
"""Spans that wait for the end of what they are parts of; further ones are forgotten."""


def sampler(share: float) -> Sampler:
    """Decides as the module says; with a share of 0 nothing is sent but what fails, or what somebody else samples."""
    return RecordAll(ParentBased(ByName(share)))


class ByName(Sampler):
    """A share by what a trace begins with."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._usual, self._probes = TraceIdRatioBased(share), TraceIdRatioBased(share * PROBES_ARE)
        self._always = TraceIdRatioBased(1.0 if share else 0.0)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Whether this one is sent."""
        chosen = self._always if name in ALWAYS else self._probes if name == PROBE else self._usual
        return chosen.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """For whoever looks at the provider."""
        return f"ByName({self._share})"


class RecordAll(Sampler):
    """Decides as another sampler does, but has what that one drops recorded: it may yet fail."""

    def __init__(self, decides: Sampler) -> None:
        self._decides = decides

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Whether a span is sent in any case."""
        told = self._decides.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if told.decision is not Decision.DROP:
            return told
        # The span begins with the attributes of the result, and a sampler that drops it gives none.
        return SamplingResult(Decision.RECORD_ONLY, attributes, told.trace_state)

    def get_description(self) -> str:
        """For whoever looks at the provider."""
        return f"RecordAll({self._decides.get_description()})"


class WholeTraces(SpanProcessor):
    """Hands on what is sampled at once, and the rest of what began here when something in it has failed."""

    def __init__(self, send: SpanProcessor) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._first: dict[int, int] = {}
        """Of each open span, by its id: the one that began here and that it is a part of."""
        self._waiting: dict[int, list[ReadableSpan]] = {}
        """By that one, not by the trace: several here may go on with the same trace of somebody else."""

    def on_start(self, span: ReadableSpan, parent_context: Context | None = None) -> None:  # noqa: ARG002  as it is called
        """A span begins: here, or as a part of an open one."""
        context, parent = span.context, span.parent
        if context is None or context.trace_flags.sampled:
            return
        with self._lock:
            above = None if parent is None or parent.is_remote else self._first.get(parent.span_id)
            self._first[context.span_id] = context.span_id if above is None else above
            if above is None:
                self._waiting[context.span_id] = []

    def on_end(self, span: ReadableSpan) -> None:
        """A span has ended; with the one that began here everything below it is decided."""
        context = span.context
        if context is None:
            return
        if context.trace_flags.sampled:
            self._send.on_end(span)
            return
        for one in self._decided(context.span_id, span):
            self._send.on_end(_sampled(one))

    def _decided(self, number: int, span: ReadableSpan) -> list[ReadableSpan]:
        """What is to be sent now."""
        with self._lock:
            first = self._first.pop(number, number)
            waiting = self._waiting.get(first, [])
            if len(waiting) < MAX_WAITING or first == number:
                waiting.append(span)
            if first != number:
                return []
            self._waiting.pop(first, None)
        return waiting if any(one.status.status_code is StatusCode.ERROR for one in waiting) else []

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
