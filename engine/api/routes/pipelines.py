"""Pipelines: what they are, how they stand, what an apply would do to them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from engine.api import specs
from engine.api.answers import After, Limit, answer, named_page
from engine.api.identity import Admin, Operator, Viewer
from engine.api.problems import NotThere
from engine.api.reach import IfMatch, Room
from engine.api.service import Service
from engine.api.shapes import PROBLEMS, Page, Pipelines, PipelineSummary, SpecBody, Validity
from engine.api.threads import threaded
from engine.planner.plan import Plan
from engine.state.canonical import Json

router = APIRouter(prefix="/api/v1", tags=["pipelines"], responses=PROBLEMS)
PipelineName = Path(max_length=63, examples=["orders"])


@router.get("/overview", response_model=dict[str, Any])
async def get_overview(request: Request, room: Room, _: Viewer) -> Response:
    """Everything at a glance: the target, its source, every pipeline."""
    return answer(request, await room.overview.get())


@router.get("/pipelines", response_model=Pipelines)
async def list_pipelines(request: Request, room: Room, _: Viewer, after: After = "", limit: Limit = 100) -> Response:
    """All pipelines, by name, each with how it stands."""
    seen = await room.overview.get()
    return answer(request, named_page(seen["pipelines"], after, limit))


@router.get("/pipelines/{name}", response_model=dict[str, Any])
async def get_pipeline(request: Request, room: Room, _: Viewer, name: str = PipelineName) -> Response:
    """A pipeline, its spec with secrets hidden, and its tables. The ETag is of the spec, for If-Match."""
    project = await threaded(room.project)
    text = specs.text_of(project, name)
    seen = await room.overview.get()
    found = next((one for one in seen["pipelines"] if one["name"] == name), None)
    tag = await threaded(specs.spec_tag, room, name)
    body = {"name": name, "spec": text, "spec_etag": tag, "writable": room.settings.specs == "api", "status": found}
    return answer(request, body)


@router.get("/pipelines/{name}/status", response_model=PipelineSummary)
async def get_status(request: Request, room: Room, _: Viewer, name: str = PipelineName) -> Response:
    """How a pipeline stands."""
    seen = await room.overview.get()
    found = next((one for one in seen["pipelines"] if one["name"] == name), None)
    if found is None:
        raise specs.no_pipeline(await threaded(room.project), name)
    return answer(request, found)


@router.put("/pipelines/{name}", response_model=dict[str, Any], responses={201: {"description": "It is new."}})
async def put_pipeline(
    request: Request, room: Room, _: Admin, body: SpecBody, name: str = PipelineName, if_match: IfMatch = None
) -> Response:
    """Write a spec; refused where git owns the specs. Nothing happens to tables before an apply."""
    is_new = await threaded(specs.write, room, name, body.spec, if_match)
    return answer(
        request, {"name": name, "spec_etag": await threaded(specs.spec_tag, room, name)}, 201 if is_new else 200
    )


@router.delete("/pipelines/{name}", status_code=204, response_class=Response)
async def delete_pipeline(room: Room, _: Admin, name: str = PipelineName, if_match: IfMatch = None) -> Response:
    """Take a spec away; refused where git owns the specs. Its tables stay until an apply deletes them."""
    await threaded(specs.remove, room, name, if_match)
    return Response(status_code=204)


@router.post("/pipelines/{name}/validate", response_model=Validity)
async def validate(request: Request, room: Room, _: Operator, body: SpecBody, name: str = PipelineName) -> Response:
    """Check a spec together with all others; nothing is written, and no reference is looked up."""
    found = await threaded(specs.diagnostics, room, name, body.spec)
    return answer(request, {"valid": not found, "diagnostics": found})


@router.post("/pipelines/{name}/plan", response_model=dict[str, Any])
async def plan_spec(request: Request, room: Room, _: Admin, body: SpecBody, name: str = PipelineName) -> Response:
    """What an apply would do if this were the spec; nothing is written."""
    return answer(request, await threaded(_plan_of, room, name, body.spec))


@router.get("/pipelines/{name}/plan", response_model=dict[str, Any])
async def get_plan(request: Request, room: Room, _: Viewer, name: str = PipelineName) -> Response:
    """What an apply would do to this pipeline. The digest is the whole target's."""
    project = await threaded(room.project)
    if name not in project.pipelines:
        raise specs.no_pipeline(project, name)
    return answer(request, _shown(await threaded(room.plan), name))


@router.get("/plan", response_model=dict[str, Any])
async def get_whole_plan(request: Request, room: Room, _: Viewer) -> Response:
    """What an apply would do, and the digest that an apply asks for."""
    return answer(request, _shown(await threaded(room.plan)))


@router.get("/tables", response_model=Page, tags=["tables"])
async def list_tables(request: Request, room: Room, _: Viewer, after: After = "", limit: Limit = 100) -> Response:
    """All Delta tables with rows, versions and sizes, by name."""
    report = (await room.report.get()).to_json()
    items = [{"name": table["table"], **table} for table in _tables(report)]
    return answer(request, named_page(sorted(items, key=lambda one: str(one["name"])), after, limit))


def _tables(report: dict[str, Json]) -> list[dict[str, Any]]:
    tables: Any = report["tables"]
    return list(tables)


def _plan_of(room: Service, name: str, text: str) -> dict[str, Any]:
    return _shown(room.plan(specs.scope_with(room, name, text)), name)


def _shown(plan: Plan, pipeline: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = plan.to_json()
    body["empty"] = plan.is_empty
    body["errors"] = len(plan.errors)
    if pipeline is not None:
        body["changes"] = [one for one in body["changes"] if one["pipeline"] == pipeline]
    return body


def no_table(name: str) -> NotThere:
    """The error for a name that no table has."""
    return NotThere(f"there is no table {name[:200]!r}", where="path", remedy="GET /api/v1/tables lists them")
