"""A Kafka Connect that answers what a real one was recorded to answer, for as many connectors as a test names.

``recorded_connect.json`` holds the answers for one connector; ``tests/transport`` compares them with the real ones.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.serving import served

RECORDING = Path(__file__).with_suffix(".json").read_text()
LISTING = "GET /connectors?expand=info&expand=status"
LINGER_S = 0.005
"""How long each answer takes, so that requests meet that are sent at the same time."""


@dataclass
class RecordedConnect:
    """Connectors by name; those of ``unknown_state`` are left out of the full listing, as Connect does."""

    names: Sequence[str]
    unknown_state: Collection[str] = ()
    url: str = ""
    asked: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: str) -> tuple[int, Any]:
        """Status and body."""
        with self._lock:
            self.asked.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(LINGER_S)
        try:
            return self._look_up(request)
        finally:
            with self._lock:
                self._at_once -= 1

    def _look_up(self, request: str) -> tuple[int, Any]:
        if request == LISTING:
            known = (name for name in self.names if name not in self.unknown_state)
            return 200, {name: body for one in known for name, body in recorded(request, one)[1].items()}
        if request == "GET /connectors":
            return 200, list(self.names)
        name = unquote(request.split("/")[2])
        return recorded(request.replace(name, "NAME"), name)


def recorded(request: str, name: str) -> tuple[int, Any]:
    """Status and body of a recorded answer, for another connector."""
    one = json.loads(RECORDING.replace("NAME", name))[request.replace("NAME", name)]
    return one["status"], one["body"]


@contextmanager
def recorded_connect(names: Sequence[str], unknown_state: Collection[str] = ()) -> Iterator[RecordedConnect]:
    """The server, on a loopback port."""
    connect = RecordedConnect(names, unknown_state)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = connect.answer(f"GET {self.path}")
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    connect.url = f"http://127.0.0.1:{server.server_port}"
    with served(server):
        yield connect
