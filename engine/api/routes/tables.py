"""Tables: their commits, and how their columns came to be."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from engine.api.answers import Before, Limit, answer, page
from engine.api.identity import Viewer
from engine.api.reach import Room
from engine.api.routes.pipelines import no_table
from engine.api.service import Service
from engine.api.shapes import PROBLEMS, Page
from engine.api.threads import threaded
from engine.lake.observe import observe_table
from engine.lake.table_past import TablePast
from engine.spec.types import format_type

router = APIRouter(prefix="/api/v1/tables", tags=["tables"], responses=PROBLEMS)
Table = Path(max_length=200, examples=["orders"])
Kind = Path(pattern="^(changes|current|history)$", examples=["current"])


@router.get("/{table}/{kind}", response_model=dict[str, Any])
async def get_table(request: Request, room: Room, _: Viewer, table: str = Table, kind: str = Kind) -> Response:
    """A table: how it stands, and its columns."""
    uri = await _uri(room, table, kind)
    report = await room.report.get()
    seen = next(one for one in report.tables if one.status.uri == uri)
    observed = await threaded(lambda: observe_table(uri, _options(room)))
    columns = {} if observed is None else {name: format_type(kind) for name, kind in observed.columns.fields.items()}
    body = {"name": seen.table, "pipeline": seen.pipeline, "state": seen.state, **asdict(seen.status)}
    return answer(request, body | {"columns": columns})


@router.get("/{table}/{kind}/versions", response_model=Page)
async def list_versions(
    request: Request,
    room: Room,
    _: Viewer,
    table: str = Table,
    kind: str = Kind,
    before: Before = None,
    limit: Limit = 50,
) -> Response:
    """The commits that the Delta log still has, newest first."""
    past = TablePast(await _uri(room, table, kind), await threaded(_options, room))
    commits = await threaded(past.commits, before, limit + 1)
    return answer(request, page(commits, limit, lambda one: one.version, asdict))


@router.get("/{table}/{kind}/schema", response_model=dict[str, Any])
async def get_schema_history(request: Request, room: Room, _: Viewer, table: str = Table, kind: str = Kind) -> Response:
    """How the columns changed, newest first, as far back as the Delta log goes."""
    past = TablePast(await _uri(room, table, kind), await threaded(_options, room))
    return answer(request, {"items": [asdict(one) for one in await threaded(past.schema_changes)]})


async def _uri(room: Service, table: str, kind: str) -> str:
    """Only tables that the report knows are opened, whatever the path says."""
    report = await room.report.get()
    found = next((one for one in report.tables if one.table == f"{table}/{kind}"), None)
    if found is None:
        raise no_table(f"{table}/{kind}")
    return found.status.uri


def _options(room: Service) -> dict[str, str]:
    """Blocks: specs may be read again, and keys be asked of Vault."""
    return room.scope().target.lake.storage_options()
