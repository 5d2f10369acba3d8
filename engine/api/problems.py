"""Every error as a problem document (RFC 9457), with the code that the command line shows."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import msgspec
from starlette.requests import HTTPConnection
from starlette.responses import Response

from engine.errors import (
    InternalError,
    OperatorError,
    OplakeError,
    PlanRefused,
    QueryError,
    RetryableError,
    ToolMissing,
    UserError,
)
from engine.planner.gate import TableInUse
from engine.spec.diagnostics import SpecError
from engine.state.jobs import KeyReused
from engine.state.lock import LockHeld

MEDIA_TYPE = "application/problem+json"


class ApiError(OplakeError):
    """Something that only a service refuses."""

    status: ClassVar[int] = HTTPStatus.BAD_REQUEST

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.headers = dict(headers or {})


class NotThere(ApiError):
    """Nothing is at this address."""

    code, status = "not-found", HTTPStatus.NOT_FOUND


class Unauthenticated(ApiError):
    """Nobody knows who asks."""

    code, status = "unauthenticated", HTTPStatus.UNAUTHORIZED


class Forbidden(ApiError):
    """Whoever asks may not."""

    code, status = "forbidden", HTTPStatus.FORBIDDEN


class SpecsInGit(ApiError):
    """The specs are git's, and the service changes none."""

    code, status = "specs-owned-by-git", HTTPStatus.FORBIDDEN


class TooManyRequests(ApiError):
    """A limit for this key or address is used up."""

    code, status = "too-many-requests", HTTPStatus.TOO_MANY_REQUESTS


class BodyTooLarge(ApiError):
    """The request's body is over the limit."""

    code, status = "body-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class TookTooLong(ApiError):
    """The request did not end in time."""

    code, status = "took-too-long", HTTPStatus.GATEWAY_TIMEOUT


class Busy(ApiError):
    """As many queries as are allowed run already."""

    code, status = "busy", HTTPStatus.SERVICE_UNAVAILABLE


class Changed(ApiError):
    """What the request wants to replace is not what its sender saw."""

    code, status = "changed-meanwhile", HTTPStatus.PRECONDITION_FAILED


class Malformed(ApiError):
    """The request is not as the API's description has it."""

    code, status = "malformed", HTTPStatus.UNPROCESSABLE_ENTITY


class Refused(ApiError):
    """What the framework itself refuses: no such route, no such method."""

    code = "http"

    def __init__(self, what: str, status: int, where: str, headers: Mapping[str, str] | None) -> None:
        super().__init__(what, where=where, headers=headers)
        self.own_status = status


_STATUSES: tuple[tuple[type[OplakeError], int], ...] = (
    (SpecError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (KeyReused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (PlanRefused, HTTPStatus.CONFLICT),
    (LockHeld, HTTPStatus.CONFLICT),
    (TableInUse, HTTPStatus.CONFLICT),
    (QueryError, HTTPStatus.BAD_REQUEST),
    (ToolMissing, HTTPStatus.NOT_IMPLEMENTED),
    (UserError, HTTPStatus.BAD_REQUEST),
    (RetryableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (OperatorError, HTTPStatus.SERVICE_UNAVAILABLE),
    (InternalError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


def status_of(error: OplakeError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, Refused):
        return error.own_status
    if isinstance(error, ApiError):
        return int(error.status)
    return int(next((status for kind, status in _STATUSES if isinstance(error, kind)), 500))


def body_of(error: OplakeError) -> dict[str, Any]:
    """An error as the command line tells it, for jobs and problems."""
    told: dict[str, Any] = {"code": error.code, "what": error.what, "where": error.where, "remedy": error.remedy}
    if isinstance(error, SpecError):
        told["what"] = error.what.partition("\n")[0]
        told["diagnostics"] = [found.to_json() for found in error.diagnostics]
    return told


def problem(connection: HTTPConnection, error: OplakeError) -> Response:
    """The response that tells of an error."""
    status = status_of(error)
    told = body_of(error)
    document = {
        "type": f"urn:oplake:problem:{error.code}",
        "title": error.code.replace("-", " "),
        "status": status,
        "detail": told.pop("what"),
        "instance": connection.url.path,
        "request": connection.scope.get("oplake.request", ""),
        **told,
    }
    connection.scope["oplake.code"] = error.code
    headers = error.headers if isinstance(error, ApiError) else {}
    return Response(msgspec.json.encode(document), status, headers, MEDIA_TYPE)
