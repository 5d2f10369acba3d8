"""Uvicorn, set up for a service that ends in good order."""

from __future__ import annotations

import asyncio
import socket
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

GRACE_S = 30
"""How long a stop waits for requests in hand."""
KEEP_ALIVE_S = 5
DRAIN_S = 1.0
"""How long a connection without a request may still send one."""


class Server(uvicorn.Server):
    """Ends so that nobody goes without an answer.

    Streams of events end first: they would outlast the grace. A connection that was taken just before the stop has not
    sent its request yet, and Uvicorn takes it for idle; so those that are open get a moment, and then are closed.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        app = self.config.app
        if isinstance(app, FastAPI):
            app.state.broadcast.is_closing = True
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connections, serve those that are there, then end."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(DRAIN_S)
        await super().shutdown(sockets)


def run(app: FastAPI | str, host: str, port: int, workers: int) -> None:
    """Serve until a signal comes, then finish what is in hand."""
    if isinstance(app, str):
        uvicorn.run(app, factory=True, workers=workers, **_options(host, port))
        return
    Server(uvicorn.Config(app, **_options(host, port))).run()


def _options(host: str, port: int) -> dict[str, Any]:
    return {
        "host": host,
        "port": port,
        "access_log": False,
        "log_level": "warning",
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "timeout_graceful_shutdown": GRACE_S,
    }
