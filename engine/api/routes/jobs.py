"""Long work: asked for here, done by ``oplake jobs``, followed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from engine.api.answers import Before, Limit, answer, page
from engine.api.identity import Admin, Identity, Operator, Viewer
from engine.api.problems import NotThere
from engine.api.reach import Once, Room
from engine.api.service import Service
from engine.api.shapes import PROBLEMS, ApplyBody, JobShape, Page, SnapshotBody
from engine.api.threads import threaded
from engine.state.canonical import Json
from engine.state.jobs import Job
from engine.telemetry import traces

router = APIRouter(prefix="/api/v1", tags=["jobs"], responses=PROBLEMS)
JobId = Path(ge=1, le=2**31 - 1, examples=[1])


@router.get("/jobs", response_model=Page)
async def list_jobs(request: Request, room: Room, _: Viewer, before: Before = None, limit: Limit = 50) -> Response:
    """All jobs, newest first."""
    jobs = await threaded(room.jobs.page, before, limit + 1)
    return answer(request, page(jobs, limit, lambda job: job.id, asdict))


@router.get("/jobs/{job_id}", response_model=JobShape)
async def get_job(request: Request, room: Room, _: Viewer, job_id: int = JobId) -> Response:
    """How a job stands."""
    return answer(request, asdict(await find_job(room, job_id)))


@router.post("/jobs/{job_id}/cancel", response_model=JobShape, status_code=202)
async def cancel_job(request: Request, room: Room, _: Operator, job_id: int = JobId) -> Response:
    """A queued job never begins; an apply stops before its next step, and another apply carries on with it."""
    await find_job(room, job_id)
    await threaded(room.jobs.request_cancel, job_id)
    return answer(request, asdict(await find_job(room, job_id)), 202)


@router.post("/applies", response_model=JobShape, status_code=202)
async def apply(request: Request, room: Room, identity: Admin, body: ApplyBody, once: Once = None) -> Response:
    """Carry out the plan of this digest, or nothing."""
    return await accepted(request, room, identity, "apply", body.model_dump(), once)


@router.post("/snapshots", response_model=JobShape, status_code=202)
async def snapshot(request: Request, room: Room, identity: Operator, body: SnapshotBody, once: Once = None) -> Response:
    """On Kafka: have the connectors copy these collections again."""
    return await accepted(request, room, identity, "snapshot", body.model_dump(), once)


async def find_job(room: Service, job_id: int) -> Job:
    """The job of this number.

    Raises:
        NotThere: there is none.
    """
    job = await threaded(room.jobs.get, job_id)
    if job is None:
        raise NotThere(f"there is no job {job_id}", where="path", remedy="GET /api/v1/jobs lists them")
    return job


async def accepted(
    request: Request, room: Service, identity: Identity, kind: str, arguments: Mapping[str, Json], once: str | None
) -> Response:
    """Queue a job and tell where it can be followed."""
    job = await threaded(room.jobs.ask, kind, arguments, identity.actor, once=once, trace=traces.current())
    body: dict[str, Any] = asdict(job)
    return answer(request, body, 202, Location=f"/api/v1/jobs/{job.id}")
