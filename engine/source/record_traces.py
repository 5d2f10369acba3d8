"""What records carry of the traces of those who wrote them."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import Message

from engine.telemetry.traces import MAX_LINKS, TRACEPARENT

_LENGTH = 55
"""Of a ``traceparent``; a header of another length is something else."""


def traces_of(messages: Iterable[Message]) -> tuple[str, ...]:
    """The ``traceparent`` headers of some of these records, each once, in their order."""
    found: dict[str, None] = {}
    for message in messages:
        headers = message.headers() or ()
        for name, value in headers.items() if isinstance(headers, dict) else headers:
            if name == TRACEPARENT and isinstance(value, bytes) and len(value) == _LENGTH and value.isascii():
                found[value.decode()] = None
        if len(found) >= MAX_LINKS:
            break
    return tuple(found)
