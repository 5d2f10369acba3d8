"""What every request goes through: a number, a span, limits, headers that browsers heed, a log line, the audit log."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.api.audit_entry import READS, write_down
from engine.api.metrics.requests import RequestCounts
from engine.api.problems import ApiError, BodyTooLarge, TookTooLong, problem
from engine.api.request_span import request_span, tell_outcome
from engine.api.settings import Settings
from engine.api.throttle import Throttle
from engine.errors import InternalError, StateError
from engine.state.audit import Audit
from engine.telemetry.logs import logger
from engine.telemetry.traces import Span

SECURITY: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Strict-Transport-Security": "max-age=31536000",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
_STREAMS = ("/events",)
_UNTIMED = (*_STREAMS, "/queries")
"""Streams live as long as somebody listens; queries have a clock of their own."""
_MAX_ID = 64
_SERVER_ERROR = 500


class Frame:
    """The outermost layer of the application."""

    def __init__(
        self, app: ASGIApp, settings: Settings, throttle: Throttle, audit: Audit, counts: RequestCounts
    ) -> None:
        self._app, self._settings, self._throttle, self._audit = app, settings, throttle, audit
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with request_span(Request(scope)) as span:
            await self._serve(Request(scope), receive, send, span)

    async def _serve(self, request: Request, receive: Receive, send: Send, span: Span) -> None:
        scope = request.scope
        scope["oplake.request"] = _request_id(request.headers)
        started, status = time.monotonic(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, scope["oplake.request"])
                if scope["app"].state.broadcast.is_closing:
                    MutableHeaders(scope=message)["Connection"] = "close"
                if request.method not in READS:
                    await self._write_down(request, status)
            await send(message)

        try:
            await self._limited(request, receive, answer)
        except ApiError as error:
            await problem(request, error)(scope, receive, answer)
        except Exception as error:
            logger(request=scope["oplake.request"]).error("request failed", path=request.url.path, error=error)
            if status:
                raise
            told = InternalError("the service has a bug", remedy="its log has a line with this request's number")
            await problem(request, told)(scope, receive, answer)
        finally:
            tell_outcome(span, request, status)
            self._count(request, status, started)
            if request.method not in READS or status >= _SERVER_ERROR:
                self._log(request, status, started)

    def _count(self, request: Request, status: int, started: float) -> None:
        route = getattr(request.scope.get("route"), "path", None)
        is_stream = request.url.path.endswith(_STREAMS)
        self._counts.count(request.method, route, status, None if is_stream else time.monotonic() - started)

    async def _limited(self, request: Request, receive: Receive, send: Send) -> None:
        await self._throttle.count_address(request.client.host if request.client is not None else "")
        if request.method not in READS:
            receive = await _whole_body(request, receive, self._settings)
        if request.url.path.endswith(_UNTIMED):
            await self._app(request.scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._settings.request_s):
                await self._app(request.scope, receive, send)
        except TimeoutError:
            raise TookTooLong(f"not done within {self._settings.request_s:g} s", where=request.url.path) from None

    async def _write_down(self, request: Request, status: int) -> None:
        """Before anybody is told that it happened; that it was asked for was written before it did."""
        try:
            await write_down(self._audit, request, f"{status} {request.scope.get('oplake.code', '')}".strip())
        except StateError as error:
            number = request.scope["oplake.request"]
            logger(request=number).error("audit entry not written", what=error.what, path=request.url.path)

    def _log(self, request: Request, status: int, started: float) -> None:
        logger(request=request.scope["oplake.request"]).info(
            "request",
            method=request.method,
            path=request.url.path,
            status=status,
            ms=round((time.monotonic() - started) * 1000, 1),
            code=request.scope.get("oplake.code", ""),
        )


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    is_plain = given.isascii() and given.replace("-", "").replace("_", "").isalnum() and len(given) <= _MAX_ID
    return given if is_plain else secrets.token_hex(8)


def _add_headers(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = request_id
    for name, value in SECURITY.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")


async def _whole_body(request: Request, receive: Receive, settings: Settings) -> Receive:
    """The body, read within the limits; then as if it came now.

    Raises:
        BodyTooLarge: it is.
        TookTooLong: it trickles in.
    """
    limit = settings.max_body
    refusal = BodyTooLarge(f"a request has at most {limit:,} bytes", where=request.url.path)
    told = request.headers.get("content-length", "0")
    if told.isdigit() and int(told) > limit:
        raise refusal
    body, more = bytearray(), True
    try:
        async with asyncio.timeout(settings.request_s):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > limit:
                    raise refusal
    except TimeoutError:
        raise TookTooLong(f"the body did not come within {settings.request_s:g} s", where=request.url.path) from None
    was_told = False

    async def replay() -> Message:
        nonlocal was_told
        if was_told:
            return await receive()
        was_told = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return replay
