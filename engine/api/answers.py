"""Answers as JSON with an ETag, and lists in pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query, Request
from starlette.responses import Response

T = TypeVar("T")
MAX_PAGE = 500
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many items a page has.")]
After = Annotated[str, Query(max_length=200, description="`next` of the page before; empty for the first page.")]
Before = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="`next` of the page before; none for the first page.")
]
NOT_MODIFIED = 304


def tag_of(content: bytes) -> str:
    """A strong ETag of these bytes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def answer(request: Request, body: Any, status: int = 200, **headers: str) -> Response:  # noqa: ANN401  any JSON
    """The body as JSON; nothing but its ETag for those who have it."""
    content = msgspec.json.encode(body)
    tag = tag_of(content)
    named = {"ETag": tag, "Cache-Control": "private, no-cache", **headers}
    if request.method in ("GET", "HEAD") and tag in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=NOT_MODIFIED, headers=named)
    return Response(content, status, named, "application/json")


def page(items: Sequence[T], limit: int, cursor: Callable[[T], Any], body: Callable[[T], Any]) -> dict[str, Any]:
    """A page of items of which there is one more than asked for when another page follows."""
    shown = items[:limit]
    more = cursor(shown[-1]) if len(items) > limit else None
    return {"items": [body(item) for item in shown], "next": more}


def named_page(items: Sequence[dict[str, Any]], after: str, limit: int) -> dict[str, Any]:
    """A page of items that are sorted by ``name``."""
    rest = [item for item in items if item["name"] > after]
    return page(rest, limit, lambda item: item["name"], lambda item: item)


def _tags(header: str) -> set[str]:
    return {one.strip().removeprefix("W/") for one in header.split(",")}
