"""Queries: one SELECT over the lake's views, within limits, streamed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from engine.api.identity import Viewer
from engine.api.problems import Busy
from engine.api.query_stream import Asked, chunks
from engine.api.reach import Room
from engine.api.service import Service
from engine.api.shapes import PROBLEMS, QueryBody
from engine.api.threads import threaded
from engine.query.as_of import NOW, parse_as_of
from engine.query.limits import Limits
from engine.query.project_lake import lake_of
from engine.query.run import Query

router = APIRouter(prefix="/api/v1", tags=["queries"], responses=PROBLEMS)
TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
RESULT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows: a JSON array of objects, CSV after RFC 4180, or a Parquet file.",
        "content": {
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}, "example": [{"n": "3"}]},
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post("/queries", response_class=Response, responses=RESULT)
async def run(request: Request, room: Room, _: Viewer, body: QueryBody) -> Response:
    """Run one SELECT over the views TABLE, TABLE__current, TABLE__changes and TABLE__history.

    A query that fails after its first rows ends without the last chunk, so that nobody takes a part for the whole.
    """
    settings = room.settings
    running: set[object] = request.app.state.queries
    if len(running) >= settings.queries_at_once:
        raise Busy(f"{settings.queries_at_once} queries run already", remedy="try again in a moment")
    ticket = object()
    running.add(ticket)
    try:
        asked = Asked(await threaded(_query, room, body), body.format, min(body.max_rows, settings.query_rows))
        rows = chunks(asked)
        first = await anext(rows, b"")
    except BaseException:
        running.discard(ticket)
        raise

    async def all_rows() -> AsyncIterator[bytes]:
        try:
            yield first
            async for chunk in rows:
                yield chunk
        finally:
            running.discard(ticket)
            await asyncio.shield(rows.aclose())  # type: ignore[attr-defined]  # an asynchronous generator

    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="result.{body.format}"'}
    return StreamingResponse(all_rows(), headers=headers, media_type=TYPES[body.format])


def _query(room: Service, body: QueryBody) -> Query:
    settings = room.settings
    as_of = parse_as_of(body.as_of) if body.as_of else NOW
    limits = Limits(settings.query_memory, timedelta(seconds=settings.query_s))
    lake = lake_of(room.project(), room.settings.target_name)
    return Query(body.sql, lake, room.project().root / ".oplake" / "tmp", as_of, limits)
