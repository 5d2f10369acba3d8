"""Kills one part after the other while a workload writes, and then asks whether anything is lost or doubled."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

import psutil
from bson import Timestamp
from deltalake.exceptions import DeltaError

from engine.stack.server import Server
from tests.chaos.project import ChaosProject
from tests.faults.project import Running
from tests.faults.witness import server_time
from tests.faults.workload import Writer

WORKERS = 2
WRITES_A_SECOND = 60.0
LONGEST_PAUSE_S = 3.0
PATIENCE_S = 180.0


@dataclass
class Campaign:
    """One project under fire."""

    project: ChaosProject
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    """Victim -> how often it was killed."""
    writes: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable, not secret

    def run(self, kills: int) -> list[str]:
        """Kill so many times, let everything come to rest, and say what is wrong."""
        self.project.write()
        collection = self.project.collection
        collection.insert_one({"_id": "copied"})
        self.project.finish("apply", "--yes")
        running = self._start()
        since = self._begin_streaming(running)
        writer = Writer(collection, self.seed, WRITES_A_SECOND)
        writer.start()
        try:
            for _ in range(kills):
                time.sleep(self._random.uniform(0, LONGEST_PAUSE_S))
                running = self._kill_one(running)
        finally:
            writer.finish()
        self.writes = writer.written
        self._insert_and_see("last", running)
        running.send(signal.SIGTERM)
        running.wait(PATIENCE_S)
        self.project.finish("run", "--until-caught-up")
        return self.project.problems(since, "last")

    def _begin_streaming(self, running: Running) -> Timestamp:
        """A time from which on each event comes from the stream: the snapshot is over, an offset is stored."""
        self._see("copied", running)
        self._insert_and_see("streamed", running)
        return server_time(self.project.servers.client)

    def _start(self) -> Running:
        return self.project.start("run", "--workers", str(WORKERS))

    def _kill_one(self, running: Running) -> Running:
        servers = self.project.servers
        victim = self._random.choice(["worker", "worker", "supervisor", "connect", "kafka", "s3"])
        self.kills[victim] += 1
        if victim == "supervisor":
            running.kill()
            return self._start()
        if victim == "worker":
            self._kill_worker(running)
        else:
            server: Server = {"connect": servers.connect, "kafka": servers.kafka, "s3": servers.s3}[victim]
            server.kill()
            time.sleep(self._random.uniform(0, 1))
            server.start()
        return running if running.process.poll() is None else self._start()

    def _kill_worker(self, running: Running) -> None:
        """One of the supervisor's processes; it starts another."""
        workers = psutil.Process(running.process.pid).children()
        if workers:
            self._random.choice(workers).kill()

    def _insert_and_see(self, identity: str, running: Running) -> None:
        self.project.collection.insert_one({"_id": identity})
        self._see(identity, running)

    def _see(self, identity: str, running: Running) -> None:
        """Wait until the log has a row of this document."""
        until = time.monotonic() + PATIENCE_S
        while not self._log_has(identity):
            assert time.monotonic() < until, f"{identity!r} never came:\n{running.text[-4000:]}"
            time.sleep(1)

    def _log_has(self, identity: str) -> bool:
        try:
            return any(row["_id"] == identity for row in self.project.log().rows)
        except (OSError, DeltaError):
            return False  # the store has just been started again
