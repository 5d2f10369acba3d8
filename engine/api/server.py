"""Uvicorn, set up for a service that ends in good order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from types import FrameType, MappingProxyType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from engine.errors import OperatorError
from engine.telemetry.logs import logger

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


class AddressUnusable(OperatorError):
    """The address of the service cannot be listened on."""

    code = "address-unusable"


def bound(host: str, port: int) -> socket.socket:
    """A socket of this address, for ``run``; port 0 takes one that is free.

    Raises:
        AddressUnusable: somebody else listens there, or the address is none of this machine's.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # Who connects from now on waits for the application to be there, and is not refused.
        listening.listen()
    except OSError as error:
        listening.close()
        raise AddressUnusable(
            f"cannot listen: {error.strerror}",
            where=f"--host {host} --port {port}",
            remedy="choose an address of this machine and a free port; --port 0 takes one",
        ) from error
    return listening


def run(app: FastAPI | str, listening: socket.socket, workers: int) -> None:
    """Serve until a signal comes, then finish what is in hand."""
    logger().info("service listens", address=_address(listening))
    if isinstance(app, str):
        Multiprocess(uvicorn.Config(app, factory=True, workers=workers, **_OPTIONS), sockets=[listening]).run()
    else:
        Server(uvicorn.Config(app, **_OPTIONS)).run(sockets=[listening])


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if listening.family == socket.AF_INET6 else f"http://{host}:{port}"


_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "access_log": False,
        "log_level": "warning",
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "timeout_graceful_shutdown": GRACE_S,
    }
)
