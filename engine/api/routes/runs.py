"""Runs: who writes which table, and which pipelines shall run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.api.answers import answer
from engine.api.identity import Operator, Viewer
from engine.api.reach import Room
from engine.api.routes.pipelines import PipelineName
from engine.api.service import Service
from engine.api.shapes import PROBLEMS
from engine.api.specs import no_pipeline
from engine.api.threads import threaded
from engine.state.runs import Runs
from engine.state.wanted_runs import WantedRun, Wish

router = APIRouter(prefix="/api/v1", tags=["runs"], responses=PROBLEMS)
WISHES: dict[str, Wish] = {
    "start": "running",
    "resume": "running",
    "restart": "running",
    "pause": "paused",
    "stop": "stopped",
}


@router.get("/runs", response_model=dict[str, Any])
async def list_runs(request: Request, room: Room, _: Viewer) -> Response:
    """Which processes write which tables now, and what was asked for."""
    return answer(request, await threaded(_runs, room))


@router.post("/pipelines/{name}/{verb}", response_model=dict[str, Any], status_code=202)
async def steer(
    request: Request,
    room: Room,
    _: Operator,
    verb: Literal["start", "pause", "resume", "stop", "restart"],
    name: str = PipelineName,
) -> Response:
    """Have the pipeline run, rest or run anew; a stop finishes the batch in hand, and nothing is lost or doubled.

    The same request twice asks for one thing: a start of what runs changes nothing.
    """
    wish = await threaded(_want, room, name, verb)
    room.overview.forget()
    return answer(request, asdict(wish), 202)


def _runs(room: Service) -> dict[str, Any]:
    report_tables = {one.partition("/")[0] for one in _table_names(room)}
    writing = Runs(room.database, room.target).writing(report_tables)
    items = [
        {"table": one.table, "host": one.process.host, "pid": one.process.pid, "since": one.since} for one in writing
    ]
    return {"writing": items, "wanted": [asdict(one) for one in room.wanted.all().values()]}


def _table_names(room: Service) -> list[str]:
    with room.workspace() as workspace:
        applied = workspace.applied().values()
        return [workspace.kinds[one.kind].title(one) for one in applied if one.kind in workspace.kinds]


def _want(room: Service, name: str, verb: str) -> WantedRun:
    project = room.project()
    if name not in project.pipelines:
        raise no_pipeline(project, name)
    return room.wanted.want(name, WISHES[verb], anew=verb == "restart")
