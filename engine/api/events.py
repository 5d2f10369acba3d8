"""Server-sent events: state as it changes, to however many listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.responses import StreamingResponse

BEAT_S = 15.0
"""A comment goes out when nothing has changed for so long: proxies close what is silent."""
POLL_S = 1.0
MAX_STREAMS = 200


class Broadcast:
    """Counts those who listen, and ends their streams when the service stops."""

    def __init__(self) -> None:
        self.streams = 0
        self.is_closing = False

    @property
    def is_full(self) -> bool:
        """Whether nobody else may listen."""
        return self.streams >= MAX_STREAMS


def event(name: str, body: object) -> bytes:
    """One event; JSON has no line ends."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(body) + b"\n\n"


async def changes(
    broadcast: Broadcast,
    name: str,
    look: Callable[[], Awaitable[tuple[Mapping[str, Any], bool]]],
) -> AsyncIterator[bytes]:
    """What ``look`` sees, whenever it is something else; until it says that this was the last.

    Args:
        look: what is to be told, and whether more will follow.
    """
    broadcast.streams += 1
    try:
        seen: Mapping[str, Any] | None = None
        silent_s = 0.0
        while not broadcast.is_closing:
            now, goes_on = await look()
            if now != seen:
                yield event(name, now)
                seen, silent_s = now, 0.0
            elif silent_s >= BEAT_S:
                yield b": still here\n\n"
                silent_s = 0.0
            if not goes_on:
                return
            await asyncio.sleep(POLL_S)
            silent_s += POLL_S
    finally:
        broadcast.streams -= 1


def stream(source: AsyncIterator[bytes]) -> StreamingResponse:
    """The response that carries events; no proxy may hold them back."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(source, media_type="text/event-stream", headers=headers)
