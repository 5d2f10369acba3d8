"""Server-sent events: all pipelines, and one job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.api.events import Broadcast, changes, stream
from engine.api.identity import Viewer
from engine.api.problems import Busy
from engine.api.reach import Room
from engine.api.routes.jobs import JobId, find_job
from engine.api.shapes import PROBLEMS

router = APIRouter(prefix="/api/v1", tags=["events"], responses=PROBLEMS)
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


@router.get("/events", response_class=Response, responses=STREAM)
async def all_events(request: Request, room: Room, _: Viewer) -> Response:
    """``overview`` whenever something has changed."""

    async def look() -> tuple[Mapping[str, Any], bool]:
        return await room.overview.get(), True

    await look()  # what fails at once is told as a problem
    return stream(changes(_open(request), "overview", look))


@router.get("/jobs/{job_id}/events", response_class=Response, responses=STREAM)
async def job_events(request: Request, room: Room, _: Viewer, job_id: int = JobId) -> Response:
    """``job`` whenever it has got further; the stream ends with the job."""

    async def look() -> tuple[Mapping[str, Any], bool]:
        job = await find_job(room, job_id)
        return asdict(job), not job.has_ended

    await look()
    return stream(changes(_open(request), "job", look))


def _open(request: Request) -> Broadcast:
    broadcast: Broadcast = request.app.state.broadcast
    if broadcast.is_full:
        raise Busy("as many streams as are allowed are open", remedy="close some, or poll /api/v1/overview")
    return broadcast
