"""The shapes of requests, and of answers as the API's description has them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.spec.target import MAX_NAME, NAME_PATTERN

Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=MAX_NAME)]


class Request(BaseModel):
    """A body; keys that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid")


class SpecBody(Request):
    """A pipeline's spec."""

    spec: str = Field(
        max_length=131_072,
        description="The YAML text, as its file has it.",
        examples=["pipeline: orders\nsource:\n  collections: [shop.orders]\ntable:\n  mode: current\n"],
    )


class ApplyBody(Request):
    """Which plan to carry out."""

    digest: str = Field(
        pattern="^[0-9a-f]{64}$",
        description="`digest` of the plan that was looked at; nothing is done when the plan is another one by now.",
    )
    allow_replace: bool = Field(False, description="Allow what holds data to be replaced or deleted.")


class SnapshotBody(Request):
    """Which collections to copy again."""

    collections: list[Annotated[str, Field(max_length=200)]] = Field(
        min_length=1, max_length=100, examples=[["shop.orders"]]
    )


class ReconcileBody(Request):
    """Which tables to compare with their collections, and how."""

    pipelines: list[Name] = Field(
        default_factory=list, max_length=1000, description="Empty: all.", examples=[["orders"]]
    )
    mode: Literal["full", "incremental", "sampled"] = Field(
        "full",
        description="full: every document and row. incremental: what was touched since the last clean pass. "
        "sampled: documents drawn at random.",
    )


class DropBody(Request):
    """Which dead letters to delete."""

    replayed_only: bool = Field(True, description="Only those that were replayed; the others are lost for good.")


class QueryBody(Request):
    """One SELECT over the lake."""

    sql: str = Field(max_length=100_000, examples=["select count(*) from orders"])
    as_of: str | None = Field(None, max_length=64, description="A version of one table, or an ISO 8601 time.")
    format: Literal["json", "csv", "parquet"] = "json"
    max_rows: int = Field(1000, ge=1, le=1_000_000, description="No more rows than this, and than the service allows.")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request: str = Field(description="The request's number, as in the log and in X-Request-ID.")
    code: str = Field(description="The same code as on the command line.")
    where: str = ""
    remedy: str = ""
    diagnostics: list[dict[str, Any]] = Field(default_factory=list)


class PipelineSummary(BaseModel):
    """One pipeline at a glance; null is `not known`."""

    name: str
    collections: list[str]
    mode: str
    state: str = Field(description="ok, pending, drift, half-applied or unreadable: the worst of its tables.")
    wish: str = Field(description="What was asked for: running, paused, stopped, or none.")
    run: str
    run_detail: str
    tables: int
    rows: int | None
    size_bytes: int | None
    unfolded_rows: int | None
    rescued_rows: int | None
    events_per_s: float | None
    behind_s: float | None = Field(description="Age of the position: at most so far behind the source.")
    last_commit: str | None
    last_fold: str | None
    dead_letters: int | None
    problem: str | None


class Page(BaseModel):
    """Some items; `next` is null on the last page."""

    items: list[dict[str, Any]]
    next: str | int | None


class Pipelines(BaseModel):
    """A page of pipelines."""

    items: list[PipelineSummary]
    next: str | None


class JobShape(BaseModel):
    """Long work."""

    id: int
    kind: str
    arguments: dict[str, Any]
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    asked_by: str
    asked_at: str
    started_at: str | None
    finished_at: str | None
    attempts: int
    cancel: bool
    progress: list[str]
    result: Any
    error: Any
    trace: str | None


class Validity(BaseModel):
    """What is wrong with a spec."""

    valid: bool
    diagnostics: list[dict[str, Any]]


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "model": Problem,
        "description": "What went wrong, and what to do next.",
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": {
                    "type": "urn:oplake:problem:not-found",
                    "title": "not found",
                    "status": 404,
                    "detail": "there is no pipeline 'order'",
                    "instance": "/api/v1/pipelines/order",
                    "request": "5f1d0c2ab3e4f607",
                    "code": "not-found",
                    "where": "path",
                    "remedy": "did you mean `orders`?",
                },
            }
        },
    }
}
