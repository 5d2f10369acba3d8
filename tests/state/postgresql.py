"""A real PostgreSQL of the machine's own binaries, for the tests of the state database."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import psycopg

from engine.stack.ports import free_port

START_TIMEOUT_S = 60
PASSWORD = "correct-horse-battery"  # noqa: S105 - of a server that lives as long as a test run


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs: PATH's, or the newest where Debian puts them."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return installed[-1].parent if installed else None


class PostgreSQL:
    """A server on a free port; each ``new_database`` is empty. It refuses to run as root, so it gets another user."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="oplake-postgresql-"))
        self._user = "nobody" if os.getuid() == 0 else None
        self.port = free_port()

    def __enter__(self) -> PostgreSQL:
        if self._user is not None:
            os.chown(self._folder, pwd.getpwnam(self._user).pw_uid, -1)
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        data = str(self._folder / "data")
        self._start("initdb", "-D", data, "-U", "oplake", "-A", "scram-sha-256", f"--pwfile={password}", "-N").wait()
        self._server = self._start(
            *("postgres", "-D", data, "-p", str(self.port), "-k", "", "-c", "listen_addresses=127.0.0.1")
        )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        # Its "fast" shutdown: on SIGTERM it waits for clients, and a test that left one would wait for ever.
        self._server.send_signal(signal.SIGINT)
        self._server.wait()
        shutil.rmtree(self._folder)

    def new_database(self) -> str:
        """An SQLAlchemy URL."""
        name = f"state_{uuid.uuid4().hex[:12]}"
        with self._connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql://oplake:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        program = [str(self._programs / command[0]), *command[1:]]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(program, stdout=log, stderr=log, user=self._user, cwd="/")

    def _connect(self) -> psycopg.Connection[Sequence[object]]:
        place = {"host": "127.0.0.1", "port": self.port, "user": "oplake", "password": PASSWORD}
        return psycopg.connect(dbname="postgres", autocommit=True, **place)  # type: ignore[arg-type]

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._server.poll() is not None:
                    raise
                time.sleep(0.1)
            else:
                return
