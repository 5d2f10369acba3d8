"""The MongoDB-protocol server for laptops and tests: SecantusDB, a separate program that is never imported.

It comes with the extra ``dev-server`` (GPL-2.0). A faster build of it, ``secantusd-rs``, is used when it is on PATH.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from engine.errors import ToolMissing
from engine.stack.ports import LOOPBACK
from engine.stack.server import Server

PROGRAMS = ("secantusd-rs", "secantusd-py")
REPLICA_SET = "secantus"
_OPLOG_ENTRIES = 5_000_000
_PING_TIMEOUT_MS = 1000


class MongoServer(Server):
    """One server process."""

    name: ClassVar[str] = "mongodb"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        oplog_entries: int = _OPLOG_ENTRIES,
        durable: bool = False,
        test_commands: bool = False,
    ) -> None:
        """See ``Server``.

        Args:
            oplog_entries: how many changes the server keeps for change streams.
            durable: sync each write to disk, so that a kill loses none (slower).
            test_commands: let clients make commands fail on purpose (configureFailPoint).
        """
        super().__init__(folder, port)
        self._options = ["--oplog-max-entries", str(oplog_entries)]
        self._options += ["--sync-on-commit"] if durable else []
        self._options += ["--enable-test-commands"] if test_commands else []

    @property
    def address(self) -> str:
        """Connection string."""
        return f"mongodb://{LOOPBACK}:{self.port}/?replicaSet={REPLICA_SET}"

    @property
    def uri(self) -> str:
        """Connection string."""
        return self.address

    def _command(self) -> Sequence[str]:
        command = [find_program(), "--host", LOOPBACK, "--port", str(self.port)]
        command += ["--storage-path", str(self.folder / "data"), "--noop-heartbeat-seconds", "1"]
        return command + self._options

    def _answers(self) -> bool:
        client: MongoClient[Any] = MongoClient(self.uri, serverSelectionTimeoutMS=_PING_TIMEOUT_MS)
        with client:
            try:
                client.admin.command("ping")
            except PyMongoError:
                return False
            return True


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
