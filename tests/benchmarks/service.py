"""How many reads a second one process of the service answers, and how long each waits.

Run by ``make bench-api``: a project with one table of a thousand rows, the state in SQLite, eight connections that are
kept open, each asking for the list of pipelines (with a key) as soon as it has its answer. The sender is on the same
machine.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from engine.api.settings import Settings
from engine.stack.mongodb import MongoServer
from engine.state.api_keys import ApiKeys
from engine.state.database import open_database
from tests.api.processes import free_port, request, server
from tests.planner.worlds import World

CONNECTIONS, SECONDS, WARM_S = 8, 10.0, 2.0
PATHS = ("/api/v1/pipelines", "/api/v1/overview", "/api/v1/pipelines/orders/status")


def main() -> None:
    """Measure, and print a Markdown table."""
    with tempfile.TemporaryDirectory() as folder, MongoServer(Path(folder, "mongodb")) as mongo:
        world = World(Path(folder, "project"))
        world.target(mongo.uri)
        world.spec()
        world.apply()
        world.fill(1000)
        database = open_database(f"sqlite:///{world.root}/.oplake/state.db")
        _, key = ApiKeys(database).create("bench", "viewer")
        database.close()
        limits = {"OPLAKE_API_PER_KEY": "10000000/minute", "OPLAKE_API_PER_ADDRESS": "10000000/minute"}
        environment = Settings(project=world.root).environment() | limits
        port = free_port()
        serve = ["-c", "from engine.cli.main import main; main()", "serve", "--port", str(port)]
        with server([*serve, "--project", str(world.root)], port, environment, Path(folder, "log")):
            print("| read | requests/s | p50 ms | p99 ms | worst ms |\n|---|--:|--:|--:|--:|")
            for path in PATHS:
                asyncio.run(_load(port, path, key, WARM_S))
                waits = sorted(asyncio.run(_load(port, path, key, SECONDS)))
                p50, p99 = (waits[int(len(waits) * share)] * 1000 for share in (0.5, 0.99))
                rate = len(waits) / SECONDS
                print(f"| {path} | {rate:,.0f} | {p50:.1f} | {p99:.1f} | {waits[-1] * 1000:.1f} |")
                sys.stdout.flush()


async def _load(port: int, path: str, key: str, seconds: float) -> list[float]:
    end = time.monotonic() + seconds
    found = await asyncio.gather(*(_connection(port, request(path, key), end) for _ in range(CONNECTIONS)))
    return [wait for waits in found for wait in waits]


async def _connection(port: int, asked: bytes, end: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    waits = []
    while time.monotonic() < end:
        started = time.perf_counter()
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        waits.append(time.perf_counter() - started)
    writer.close()
    return waits


if __name__ == "__main__":
    main()
