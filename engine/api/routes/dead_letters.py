"""Records that could not be decoded."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.api.answers import Limit, answer
from engine.api.identity import Admin, Operator, Viewer
from engine.api.problems import Forbidden
from engine.api.reach import Once, Room
from engine.api.routes.jobs import accepted
from engine.api.routes.pipelines import PipelineName
from engine.api.service import Service
from engine.api.shapes import PROBLEMS, DropBody, JobShape, Page
from engine.api.specs import no_pipeline
from engine.api.threads import threaded
from engine.runtime.letters import letters_of
from engine.state.canonical import Json

router = APIRouter(prefix="/api/v1/pipelines/{name}/dead-letters", tags=["dead letters"], responses=PROBLEMS)


@router.get("", response_model=Page)
async def list_dead_letters(
    request: Request,
    room: Room,
    identity: Viewer,
    name: str = PipelineName,
    after: int = 0,
    limit: Limit = 100,
    content: bool = False,
    replayed: bool = False,
) -> Response:
    """Where each stands in Kafka and why it could not be decoded; key and value (base64) for operators who ask."""
    if content and not identity.may("operator"):
        raise Forbidden("what is in the records is shown to operators", where="content", remedy="leave `content` out")
    rows = await threaded(_rows, room, name, content, replayed)
    shown = rows[max(0, after) : max(0, after) + limit]
    more = after + limit if after + limit < len(rows) else None
    return answer(request, {"items": [_body(row) for row in shown], "next": more, "total": len(rows)})


@router.post("/replay", response_model=JobShape, status_code=202)
async def replay(
    request: Request, room: Room, identity: Operator, name: str = PipelineName, once: Once = None
) -> Response:
    """Decode them once more and bring them into their tables."""
    await threaded(_require, room, name)
    return await accepted(request, room, identity, "replay", {"pipeline": name}, once)


@router.post("/drop", response_model=JobShape, status_code=202)
async def drop(
    request: Request, room: Room, identity: Admin, body: DropBody, name: str = PipelineName, once: Once = None
) -> Response:
    """Delete them for good."""
    await threaded(_require, room, name)
    arguments: dict[str, Json] = {"pipeline": name, "replayed_only": body.replayed_only}
    return await accepted(request, room, identity, "drop-dead-letters", arguments, once)


def _require(room: Service, name: str) -> None:
    project = room.project()
    if name not in project.pipelines:
        raise no_pipeline(project, name)


def _rows(room: Service, name: str, content: bool, replayed: bool) -> list[dict[str, Any]]:
    _require(room, name)
    letters, *_ = letters_of(room.project(), name, room.settings.target_name)
    found: list[dict[str, Any]] = letters.read(waiting=not replayed, with_content=content).to_pylist()
    return found


def _body(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401  a cell
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, datetime) else value
