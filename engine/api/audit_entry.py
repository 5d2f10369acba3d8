"""What the audit log is told of a request: before a change, that it was asked for; before an answer, how it ended."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request

from engine.state.audit import Audit, Entry

READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
ASKED = "asked"
"""The outcome of an entry that was written before anything was done."""


async def write_down(audit: Audit, request: Request, outcome: str) -> None:
    """Add an entry; nothing of somebody who was not let in.

    Raises:
        StateError: it could not be written.
    """
    identity = request.scope.get("oplake.identity")
    if identity is None:
        return
    entry = Entry(
        actor=identity.actor,
        role=identity.role,
        address=request.client.host if request.client is not None else "",
        request=request.scope["oplake.request"],
        action=f"{request.method} {getattr(request.scope.get('route'), 'path', request.url.path)}",
        subject=request.url.path,
        outcome=outcome,
    )
    await to_thread.run_sync(audit.add, entry)
