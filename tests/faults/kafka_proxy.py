"""A proxy in front of a broker that keeps answers of one kind back, as a busy broker does."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from enum import IntEnum
from types import TracebackType
from typing import Self

PATIENCE_S = 60.0


class Api(IntEnum):
    """Kinds of requests, by their key in Kafka's protocol."""

    FETCH = 1
    LIST_OFFSETS = 2


class KafkaProxy:
    """Listens on a loopback port while the ``with`` block runs; the broker has to advertise that port.

    A broker answers a connection's requests in their order: whatever comes behind an answer that is kept back waits
    with it.
    """

    def __init__(self, port: int, broker_port: int) -> None:
        self.kept: threading.Event = threading.Event()
        """Set once an answer is kept back."""
        self._broker_port = broker_port
        self._keep: Api | None = None
        self._let_go = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))

    def keep_back(self, kind: Api) -> None:
        """From now on answers of this kind stay here, until ``let_go``."""
        self._keep = kind

    def let_go(self) -> None:
        """Hand on what was kept back, and keep nothing more."""
        self._keep = None
        self._let_go.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the one that waits for a client
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                broker = socket.create_connection(("127.0.0.1", self._broker_port))
                kinds: dict[int, int] = {}
                threading.Thread(target=self._ask, args=(client, broker, kinds), daemon=True).start()
                threading.Thread(target=self._answer, args=(broker, client, kinds), daemon=True).start()

    @staticmethod
    def _ask(client: socket.socket, broker: socket.socket, kinds: dict[int, int]) -> None:
        with suppress(OSError), client, broker:
            for frame in _frames(client):
                kind, _, number = struct.unpack(">hhi", frame[4:12])
                kinds[number] = kind
                broker.sendall(frame)

    def _answer(self, broker: socket.socket, client: socket.socket, kinds: dict[int, int]) -> None:
        with suppress(OSError), client, broker:
            for frame in _frames(broker):
                (number,) = struct.unpack(">i", frame[4:8])
                if kinds.pop(number, None) == self._keep:
                    self.kept.set()
                    self._let_go.wait(PATIENCE_S)
                client.sendall(frame)


def _frames(connection: socket.socket) -> Iterator[bytes]:
    """Requests or answers, each with its size in front."""
    with connection.makefile("rb") as stream:
        while True:
            size = stream.read(4)
            if len(size) < 4:
                return
            yield size + stream.read(int.from_bytes(size, "big"))
