"""The MongoDB-protocol server for laptops and tests: SecantusDB, a separate program that is never imported.

It comes with the extra ``dev-server`` (GPL-2.0). A faster build of it, ``secantusd-rs``, is used when it is on PATH.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from engine.errors import OperatorError, ToolMissing
from engine.stack.ports import LOOPBACK, free_port

PROGRAMS = ("secantusd-rs", "secantusd-py")
REPLICA_SET = "secantus"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
_OPLOG_ENTRIES = 5_000_000
_PING_TIMEOUT_MS = 1000


class MongoServer:
    """One server process with its data in a folder; started, stopped, killed and started again by its pid."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        oplog_entries: int = _OPLOG_ENTRIES,
        durable: bool = False,
        test_commands: bool = False,
    ) -> None:
        """Nothing runs before ``start``.

        Args:
            folder: holds ``data`` and ``server.log``; made when missing.
            port: a loopback port; a free one by default.
            oplog_entries: how many changes the server keeps for change streams.
            durable: sync each write to disk, so that a kill loses none (slower).
            test_commands: let clients make commands fail on purpose (configureFailPoint).
        """
        self.folder = folder
        self.port = port or free_port()
        self._options = ["--oplog-max-entries", str(oplog_entries)]
        self._options += ["--sync-on-commit"] if durable else []
        self._options += ["--enable-test-commands"] if test_commands else []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Connection string."""
        return f"mongodb://{LOOPBACK}:{self.port}/?replicaSet={REPLICA_SET}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.folder / "server.log"

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            ToolMissing: the program is not installed.
            OperatorError: it does not answer in time, or ends.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [find_program(), "--host", LOOPBACK, "--port", str(self.port)]
        command += ["--storage-path", str(self.folder / "data"), "--noop-heartbeat-seconds", "1"]
        command += self._options
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program with our own arguments
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait_until_it_answers(time.monotonic() + START_TIMEOUT_S)
        except BaseException:  # an interrupted wait must not leave the server behind
            self.kill()
            raise

    def stop(self) -> None:
        """End the server in good order; kill it when it takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> MongoServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_it_answers(self, deadline: float) -> None:
        client: MongoClient[Any] = MongoClient(self.uri, serverSelectionTimeoutMS=_PING_TIMEOUT_MS)
        with client:
            while time.monotonic() < deadline:
                if self.pid is None:
                    break
                try:
                    client.admin.command("ping")
                except PyMongoError:
                    time.sleep(0.05)
                else:
                    return
        raise OperatorError("the MongoDB-protocol server did not start", where=str(self.log), remedy="the log says why")


def find_program() -> str:
    """The server's program: on PATH, or beside this Python.

    Raises:
        ToolMissing: it is nowhere.
    """
    beside = Path(sys.executable).parent
    for program in PROGRAMS:
        found = shutil.which(program) or shutil.which(program, path=os.fspath(beside))
        if found:
            return found
    raise ToolMissing(
        "the MongoDB-protocol server for development is not installed",
        where=" or ".join(PROGRAMS),
        remedy="pip install 'oplake[dev-server]' (GPL-2.0, runs as a process of its own), or give the URI of a MongoDB",
    )
