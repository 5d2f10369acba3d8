"""How routes get at what the application holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from engine.api.service import Service


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Room = Annotated[Service, Depends(_service)]
Once = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=200, description="The same key makes one job, however often it comes."),
]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=200, description="ETag of the spec to replace.")]
