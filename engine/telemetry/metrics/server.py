"""A small HTTP server for probes and Prometheus: ``/health``, ``/ready``, ``/metrics``. It changes nothing."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from engine.errors import OperatorError
from engine.telemetry.metrics.exposition import page
from engine.telemetry.metrics.verdict import Verdict
from engine.telemetry.metrics.vitals import Vitals

REQUEST_TIMEOUT_S = 5.0
"""A client that sends or reads nothing for so long is left."""
POLL_S = 0.05
"""How soon a server that shall end sees it."""
_JSON = "application/json"


class PortUnusable(OperatorError):
    """The health port cannot be listened on."""

    code = "health-port-unusable"


@contextmanager
def health_server(host: str, port: int, vitals: Vitals) -> Iterator[int]:
    """Answer on this address while the block runs; yields the port (0 asks for any that is free).

    Raises:
        PortUnusable: somebody else listens there, or the address is none of this machine's.
    """
    try:
        server = _Server((host, port), vitals)
    except OSError as error:
        raise PortUnusable(
            f"cannot listen for probes: {error.strerror}",
            where=f"--health-host {host} --health-port {port}",
            remedy="choose another port, or 0 for none",
        ) from None
    # A run that ends waits for it; left alone it looks every half second.
    threading.Thread(target=server.serve_forever, args=(POLL_S,), name="health", daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """A thread for each request, so that one slow client keeps no probe waiting."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], vitals: Vitals) -> None:
        self.vitals = vitals
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Without what the base class adds: it asks the name service for this machine's name, which may hang."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, *_: object) -> None:
        """Nothing: a client that went away is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = REQUEST_TIMEOUT_S
    server_version = "oplake"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one of the three paths."""
        vitals = self.server.vitals
        match self.path.partition("?")[0]:
            case "/health":
                self._tell(vitals.live(), "live", "stalled")
            case "/ready":
                self._tell(vitals.ready(), "ready", "not ready")
            case "/metrics":
                body, content_type = page(vitals.reading(), self.headers.get("Accept", ""))
                self._send(HTTPStatus.OK, body, content_type)
            case _:
                self._send(HTTPStatus.NOT_FOUND, b'{"paths": ["/health", "/ready", "/metrics"]}\n', _JSON)

    def do_HEAD(self) -> None:
        """The same without a body."""
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing: probes come every few seconds."""

    def _tell(self, verdict: Verdict, good: str, bad: str) -> None:
        status = HTTPStatus.OK if verdict.is_good else HTTPStatus.SERVICE_UNAVAILABLE
        answer = {"status": good if verdict.is_good else bad, "reasons": verdict.reasons}
        self._send(status, json.dumps(answer).encode() + b"\n", _JSON)

    def _send(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
