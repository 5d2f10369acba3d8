"""A request's span: its method, its route as it is written in the code, and how it ended.

Neither the path nor the query string is told: both hold what the client makes up, and a key may have got into them.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from starlette.requests import Request

from engine.api.metrics.requests import METHODS
from engine.telemetry import traces
from engine.telemetry.traces import PROBE, TRACEPARENT, Span

PROBES = ("/health", "/ready", "/metrics")
_SERVER_ERROR = 500


def request_span(request: Request) -> AbstractContextManager[Span]:
    """Open while the request is served."""
    is_probe = request.url.path.endswith(PROBES)
    return traces.request(PROBE if is_probe else _method(request), request.headers.get(TRACEPARENT))


def tell_outcome(span: Span, request: Request, status: int) -> None:
    """What is known once the request is answered; a status of 0 is a client that went away."""
    method, route = _method(request), getattr(request.scope.get("route"), "path", None)
    span.rename(method if route is None else f"{method} {route}")
    told: dict[str, str | int] = {"http.request.method": method, "oplake.request": request.scope["oplake.request"]}
    if route is not None:
        told["http.route"] = route
    if status:
        told["http.response.status_code"] = status
    span.tell(**told)
    if status >= _SERVER_ERROR:
        span.fail(request.scope.get("oplake.code") or str(status))


def _method(request: Request) -> str:
    return request.method if request.method in METHODS else "_OTHER"
