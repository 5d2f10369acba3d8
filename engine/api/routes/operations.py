"""Whether the service lives and can work, and what was done through it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from engine.api.answers import Before, Limit, answer, page
from engine.api.identity import Admin, Viewer
from engine.api.reach import Room
from engine.api.shapes import PROBLEMS, Page
from engine.api.threads import threaded

router = APIRouter(prefix="/api/v1", tags=["operations"], responses=PROBLEMS)


@router.get("/health", response_model=dict[str, str])
async def health(request: Request) -> Response:
    """Whether the process answers."""
    return answer(request, {"status": "ok"})


@router.get("/ready", response_model=dict[str, Any], responses={503: {"description": "Something does not answer."}})
async def ready(request: Request) -> Response:
    """Every dependency with how long it took to answer; 503 with the reason when one does not."""
    found = await request.app.state.readiness.get()
    return answer(request, found, 200 if found["ready"] else 503)


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}}},
)
async def metrics(request: Request, _: Viewer) -> Response:
    """Requests, jobs and what reconciliations have found, as Prometheus reads it."""
    body, content_type = await request.app.state.metrics.text(request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": content_type})


@router.get("/me", response_model=dict[str, str])
async def me(request: Request, identity: Viewer) -> Response:
    """Who the service takes you for."""
    return answer(request, asdict(identity))


@router.get("/audit", response_model=Page)
async def list_audit(request: Request, room: Room, _: Admin, before: Before = None, limit: Limit = 100) -> Response:
    """Every change that was asked for, newest first."""
    entries = await threaded(room.audit.page, before, limit + 1)
    return answer(request, page(entries, limit, lambda entry: entry.id, asdict))
