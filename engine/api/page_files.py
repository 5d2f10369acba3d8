"""The page: files of the package, read once."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from fastapi import FastAPI, Request
from starlette.responses import Response

from engine.api.answers import NOT_MODIFIED, tag_of
from engine.api.problems import NotThere

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "html": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    }
)


def mount_page(app: FastAPI) -> None:
    """Serve the page at ``/`` and its files below ``/page/``; no other file can be named."""
    folder = files("engine.api") / "page"
    known = {
        one.name: (one.read_bytes(), TYPES[suffix])
        for one in folder.iterdir()
        if (suffix := one.name.rpartition(".")[2]) in TYPES
    }

    def serve(request: Request, name: str) -> Response:
        if name not in known:
            raise NotThere("the page has no such file", where="path")
        content, media_type = known[name]
        tag = tag_of(content)
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=NOT_MODIFIED, headers=headers)
        return Response(content, headers=headers, media_type=media_type)

    @app.get("/", include_in_schema=False)
    async def index(request: Request) -> Response:
        return serve(request, "index.html")

    @app.get("/page/{name}", include_in_schema=False)
    async def file(request: Request, name: str) -> Response:
        return serve(request, name)
