"""Logs: one JSON object a line for machines, one readable line for a person at a terminal.

A log holds names, numbers and oplake's own words. Anything else that is handed to it (a document, a secret,
an exception of a library that quotes either) is replaced by the name of its type: INV-9.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

import structlog

from engine.telemetry import traces

MAX_TEXT_LENGTH = 1000
_LEVELS = logging.getLevelNamesMapping()
_FIRST = ("timestamp", "level", "event")


class Writable(Protocol):
    """What logs are written to."""

    def write(self, text: str, /) -> object:
        """Take one whole line."""

    def flush(self) -> object:
        """Hand on what was written."""


def configure(stream: Writable | TextIO, *, as_json: bool, level: str = "info", worker: int | None = None) -> None:
    """Send every log of this process to ``stream``; lines below ``level`` cost nothing.

    Args:
        worker: number of this process among several, carried by every line.
    """

    def numbered(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return event if worker is None else {**event, "worker": worker}

    readable = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)
    structlog.configure(
        processors=[
            numbered,
            _traced,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("iso" if as_json else "%H:%M:%S", utc=as_json, key="timestamp"),
            _only_plain_values,
            structlog.processors.JSONRenderer() if as_json else readable,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=stream),  # type: ignore[arg-type]  # writes and flushes
        cache_logger_on_first_use=False,
    )


def logger(**bound: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines all carry these names (``table="orders"``)."""
    made: structlog.typing.FilteringBoundLogger = structlog.get_logger(**bound)
    return made


def _traced(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A line within a span carries its trace, so that both can be found by it."""
    here = traces.current()
    if here is None:
        return event
    _, trace_id, span_id, _ = here.split("-")
    return {**event, "trace_id": trace_id, "span_id": span_id}


def _only_plain_values(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    first = {name: event[name] for name in _FIRST if name in event}
    return {name: _plain(value) for name, value in {**first, **event}.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a caller logs
    match value:
        case bool() | int() | float() | None:
            return value
        case str():
            return value if len(value) <= MAX_TEXT_LENGTH else value[:MAX_TEXT_LENGTH] + "…"
        case Mapping():
            return {str(name): _plain(one) for name, one in value.items() if isinstance(one, int | float)}
        case _:
            return f"<{type(value).__name__}>"
