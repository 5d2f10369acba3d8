"""An HTTP proxy in front of an object store that does to requests what networks and busy stores do.

It is a process of its own: deltalake holds Python's lock in some of its calls, so that a thread could not answer it.
Clients sign the host they speak to, so every header is handed on as it came, ``Host`` included.
"""

from __future__ import annotations

import http.client
import multiprocessing
import random
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlsplit

PATIENCE_S = 60
SLOW_S = 0.5
NOT_HANDED_BACK = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server", "content-length"})
NOTHING = b"<?xml version='1.0'?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


class Fault(Enum):
    """What happens to a request."""

    SLOW = "it reaches the store later"
    SLOW_DOWN = "answered 503 without having reached the store"
    DROP_BEFORE = "its connection is closed; it never reaches the store"
    DROP_AFTER = "its connection is closed after the store has carried it out"
    LATE = "its connection is closed; it reaches the store when the test says so"
    UNKNOWN = "answered as if the store had never had the object, or any that is to be listed"


FAILURES = tuple(fault for fault in Fault if fault is not Fault.UNKNOWN)
"""What nobody can take for the store's answer."""


class On(Enum):
    """Which requests."""

    COMMIT = "puts of an entry of a Delta log"
    DATA = "puts of data files"
    LOG = "gets and listings of Delta logs"
    ENTRY = "gets of entries of Delta logs"
    ROWS = "gets of data files"
    ANY = "all"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as the client sent it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def is_one_of(self, kind: On) -> bool:
        """Whether it is of this kind."""
        path = self.path.partition("?")[0]
        is_log = "_delta_log" in self.path
        is_entry = is_log and path.endswith(".json")
        match kind:
            case On.COMMIT:
                return self.method == "PUT" and is_entry
            case On.DATA:
                return self.method in ("PUT", "POST") and path.endswith(".parquet")
            case On.ENTRY:
                return self.method == "GET" and is_entry
            case On.ROWS:
                return self.method in ("GET", "HEAD") and path.endswith(".parquet") and not is_log
            case On.LOG:
                return self.method in ("GET", "HEAD") and is_log
            case On.ANY:
                return True


@dataclass(frozen=True, slots=True)
class Rule:
    """These faults, one after the other, happen to requests of a kind, drawn by lot."""

    on: On
    faults: tuple[Fault, ...]
    odds: float = 1.0
    times: int | None = None
    """How often at most."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the store said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class S3Proxy:
    """Listens on a loopback port of its own while the ``with`` block runs."""

    def __init__(self, store: str, seed: int = 0) -> None:
        """``store`` is an endpoint, ``http://host:port``."""
        context = multiprocessing.get_context("spawn")
        self._control, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(store, seed, theirs), daemon=True)
        self.endpoint = ""

    def __enter__(self) -> Self:
        self._process.start()
        self.endpoint = f"http://127.0.0.1:{self._receive()}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()

    def suffer(self, *rules: Rule) -> None:
        """From now on these rules hold, the first that fits; none: every request passes."""
        self._ask("suffer", rules)

    def suffered(self) -> list[Fault]:
        """Every fault so far."""
        return cast(list[Fault], self._ask("suffered"))

    def deliver_late(self) -> list[int]:
        """Carry out the requests that were put off, in the order they came; the store's status for each it answers."""
        return cast(list[int], self._ask("deliver_late"))

    def _ask(self, command: str, *arguments: object) -> object:
        self._control.send((command, arguments))
        return self._receive()

    def _receive(self) -> object:
        if not self._control.poll(PATIENCE_S):
            raise TimeoutError("the proxy does not answer")
        answer: object = self._control.recv()
        return answer


@dataclass
class _Proxy:
    """The proxy inside its process."""

    store: str
    chance: random.Random
    rules: list[Rule] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    late: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def suffer(self, rules: tuple[Rule, ...]) -> None:
        with self.lock:
            self.rules = list(rules)

    def suffered(self) -> list[Fault]:
        return self.faults

    def deliver_late(self) -> list[int]:
        late, self.late = self.late, []
        answers = [self.forward(request) for request in late]
        return [answer.status for answer in answers if answer is not None]

    def fault_of(self, request: Request) -> Fault | None:
        with self.lock:
            for number, rule in enumerate(self.rules):
                if request.is_one_of(rule.on) and rule.times != 0 and self.chance.random() < rule.odds:
                    left = None if rule.times is None else rule.times - 1
                    self.rules[number] = Rule(rule.on, rule.faults, rule.odds, left)
                    fault = rule.faults[len(self.faults) % len(rule.faults)]
                    self.faults.append(fault)
                    if fault is Fault.LATE:
                        self.late.append(request)
                    return fault
        return None

    def forward(self, request: Request) -> Answer | None:
        """What the store says; None when it is not there, or goes away meanwhile."""
        connection = http.client.HTTPConnection(urlsplit(self.store).netloc, timeout=PATIENCE_S)
        try:
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                connection.putheader(name, value)
            connection.endheaders(request.body)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that were killed are no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _serve(store: str, seed: int, control: Connection) -> None:
    proxy = _Proxy(store, random.Random(seed))  # noqa: S311  reproducible faults
    server = _Listener(("127.0.0.1", 0), _handler_of(proxy))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    control.send(server.server_port)
    while True:
        command, arguments = control.recv()
        control.send(getattr(proxy, command)(*arguments))


def _handler_of(proxy: _Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.command, self.path, dict(self.headers.items()), body)
            fault = proxy.fault_of(request)
            if fault is Fault.SLOW_DOWN:
                self.reply(Answer(503, {"Content-Type": "application/xml"}, SLOW_DOWN))
                return
            if fault is Fault.UNKNOWN:
                is_listing = "list-type=" in request.path
                self.reply(Answer(200 if is_listing else 404, {"Content-Type": "application/xml"}, NOTHING))
                return
            if fault in (Fault.DROP_BEFORE, Fault.LATE):
                self.drop()
                return
            if fault is Fault.SLOW:
                time.sleep(SLOW_S)
            answer = proxy.forward(request)
            if answer is None or fault is Fault.DROP_AFTER:
                self.drop()
            else:
                self.reply(answer)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815  http.server's names

        def reply(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in NOT_HANDED_BACK:
                    self.send_header(name, value)
            is_head = self.command == "HEAD"
            self.send_header(
                "Content-Length", answer.headers.get("Content-Length", "0") if is_head else str(len(answer.body))
            )
            with suppress(ConnectionError):  # the client may have given up
                self.end_headers()
                self.wfile.write(b"" if is_head else answer.body)

        def drop(self) -> None:
            self.close_connection = True
            with suppress(OSError):  # the client may be dead
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler
