"""A small store in this process that answers as a test wants it to; the real one keeps every rule."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.serving import served

Answer = Callable[[str, set[str], int], int]
"""The status of a put, from its path, the objects that are there, and how many puts came before it."""


class FakeStore(ThreadingHTTPServer):
    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), FakeRequest)
        self.answer = answer
        self.objects: set[str] = set()
        self.puts = 0
        self.gets = 0
        self.get_status = 404
        self.lock = threading.Lock()

    @property
    def options(self) -> dict[str, str]:
        return {
            "aws_endpoint": f"http://127.0.0.1:{self.server_address[1]}",
            "aws_access_key_id": "key",
            "aws_secret_access_key": "secret",
        }


class FakeRequest(BaseHTTPRequestHandler):
    server: FakeStore
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        store = self.server
        with store.lock:
            is_conditional = self.headers["if-none-match"] == "*"
            status = store.answer(self.path, store.objects, store.puts) if is_conditional else 200
            store.puts += 1
            if status == 200:
                store.objects.add(self.path)
        self.reply(status)

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.gets += 1
        self.reply(self.server.get_status)

    def do_DELETE(self) -> None:
        with self.server.lock:
            self.server.objects.discard(self.path)
        self.reply(204)

    def reply(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def fake(answer: Answer) -> Iterator[FakeStore]:
    store = FakeStore(answer)
    with served(store):
        yield store
