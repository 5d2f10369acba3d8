"""The application: routes, the frame around them, and what lives as long as it does."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from engine.api.events import Broadcast
from engine.api.frame import Frame
from engine.api.fresh import Fresh
from engine.api.identity import Doorkeeper
from engine.api.metrics.page import MetricsPage
from engine.api.metrics.requests import RequestCounts
from engine.api.page_files import mount_page
from engine.api.problems import Malformed, Refused, problem
from engine.api.readiness import readiness
from engine.api.routes import dead_letters, jobs, operations, pipelines, queries, reconciliations, runs, streams, tables
from engine.api.service import Service
from engine.api.settings import Settings, read_settings
from engine.api.throttle import Throttle
from engine.errors import OplakeError
from engine.telemetry.logs import configure
from engine.telemetry.traces import recorder_maker, tracing

DESCRIPTION = """\
oplake keeps Delta Lake tables in step with MongoDB collections. This API sees and steers one target: it plans, applies
and runs as the command line does, through the same functions. Errors are problem documents (RFC 9457) whose `code` is
the command line's."""


def create_app(settings: Settings) -> FastAPI:
    """The application of one project.

    Raises:
        SpecError, UsageError: the specs or settings are wrong.
        ToolMissing: traces are asked for, and their libraries are not installed.
        StateError: the state cannot be opened.
    """
    service = Service(settings)
    throttle = Throttle(settings)
    to_collector = service.scope().target.trace_settings()
    recorder_maker({**to_collector, **os.environ})  # a missing library is told of now, not by every process

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with tracing("oplake-serve", to_collector):
            yield
        service.close()

    app = FastAPI(
        title="oplake",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page loads scripts of another host
        redoc_url=None,
    )
    app.state.service = service
    app.state.throttle = throttle
    app.state.doorkeeper = Doorkeeper(settings, service.keys, throttle)
    app.state.readiness = Fresh(partial(readiness, service), 1.0)
    app.state.broadcast = Broadcast()
    app.state.queries = set()
    counts = RequestCounts()
    app.state.metrics = MetricsPage(service, counts)
    for module in (operations, pipelines, tables, dead_letters, queries, jobs, reconciliations, runs, streams):
        app.include_router(module.router)
    mount_page(app)
    app.add_exception_handler(OplakeError, _tell)
    app.add_exception_handler(RequestValidationError, _tell_malformed)
    app.add_exception_handler(HTTPException, _tell_http)
    app.add_middleware(Frame, settings=settings, throttle=throttle, audit=service.audit, counts=counts)
    return app


def from_environment() -> FastAPI:
    """For Gunicorn and for Uvicorn's own workers: ``engine.api.application:from_environment()``."""
    configure(sys.stderr, as_json=not sys.stderr.isatty())
    return create_app(read_settings())


async def _tell(request: Request, error: Exception) -> Response:
    assert isinstance(error, OplakeError)  # noqa: S101  registered for these alone
    return problem(request, error)


async def _tell_malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for these alone
    # What was sent is not repeated: it may hold a secret.
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return problem(request, Malformed(str(first["msg"]), where=where, remedy="/api/v1/openapi.json describes requests"))


async def _tell_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for these alone
    told = Refused(str(error.detail), error.status_code, request.url.path, error.headers)
    return problem(request, told)
