"""A Kafka Connect that gives the answers it was told to give."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from engine.resources.connect_rest import ConnectRest
from tests.serving import served


@contextmanager
def answering(
    *answers: tuple[int, object], tls: ssl.SSLContext | None = None
) -> Iterator[tuple[ConnectRest, list[str]]]:
    """A server that gives these answers, one a request, and what it was asked."""
    asked: list[str] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            asked.append(f"{self.command} {self.path}")
            status, body = left.pop(0)
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with served(server):
        yield ConnectRest(f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/"), asked
