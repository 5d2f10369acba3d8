"""Reconciliations: asked for here, done by ``oplake jobs``, told as a job and as a report."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.api.answers import answer
from engine.api.identity import Operator, Viewer
from engine.api.problems import NotThere
from engine.api.reach import Once, Room
from engine.api.reconcile_job import report_of_job
from engine.api.routes.jobs import JobId, accepted, find_job
from engine.api.shapes import PROBLEMS, JobShape, ReconcileBody
from engine.api.threads import threaded
from engine.reconcile.report_markdown import markdown
from engine.reconcile.report_page import page
from engine.runtime.jobs import choose_pipelines
from engine.state.jobs import Job

router = APIRouter(prefix="/api/v1", tags=["reconciliations"], responses=PROBLEMS)
REPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report as `oplake reconcile --report` writes it; values of documents are not in it.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/html": {"schema": {"type": "string"}},
            "text/markdown": {"schema": {"type": "string"}},
        },
    }
}


@router.post("/reconciliations", response_model=JobShape, status_code=202)
async def reconcile(
    request: Request, room: Room, identity: Operator, body: ReconcileBody, once: Once = None
) -> Response:
    """Compare tables with their collections while both go on changing; nothing of either is written."""
    await threaded(lambda: choose_pipelines(room.project(), body.pipelines))
    return await accepted(request, room, identity, "reconcile", body.model_dump(), once)


@router.get("/jobs/{job_id}/report", response_class=Response, responses=REPORT)
async def report(
    request: Request, room: Room, _: Viewer, job_id: int = JobId, form: Literal["json", "html", "md"] = "json"
) -> Response:
    """What a reconciliation that is done has found."""
    found = report_of_job(_found(await find_job(room, job_id)))
    if form == "json":
        return answer(request, found.model_dump(mode="json"))
    text, media = (page(found), "text/html") if form == "html" else (markdown(found), "text/markdown")
    named = {"Content-Disposition": f'attachment; filename="reconciliation-{job_id}.{form}"'}
    return Response(text, headers=named, media_type=media)


def _found(job: Job) -> Any:  # noqa: ANN401 - JSON of the state database
    if job.kind != "reconcile":
        raise NotThere(
            f"job {job.id} is no reconciliation", where="path", remedy="GET /api/v1/jobs tells the kind of each"
        )
    if job.status != "done":
        raise NotThere(
            f"job {job.id} is {job.status}, so there is no report of it",
            where="path",
            remedy=f"GET /api/v1/jobs/{job.id} tells how it stands",
        )
    return job.result
