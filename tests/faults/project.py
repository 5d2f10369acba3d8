"""A project in a folder, and real `oplake` processes that work on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bson import Timestamp
from pymongo.collection import Collection

from engine.lake.layout import TablePaths
from tests.faults.checker import Rows, check_current, check_history, check_log
from tests.faults.nursery import Forked, Nursery
from tests.faults.witness import documents, read_all

TARGET = """\
target: local
mongodb: {{uri: "{uri}"}}
transport: {{change_stream: {{}}}}
lake: {{uri: .oplake/lake}}
state: sqlite:///.oplake/state.db
"""
PIPELINE = """\
pipeline: {name}
source:
  collections: [{namespace}]
table:
  mode: {mode}
  on_conflict: {on_conflict}
  fold: {{every: {fold_every}}}
batch: {{max_rows: {max_rows}, max_age: {max_age}}}
"""
OPLAKE = str(Path(sys.executable).with_name("oplake"))
PATIENCE_S = 120.0


@dataclass
class Project:
    """Specs for one collection, small batches and folds so that there is much to be killed in."""

    folder: Path
    uri: str
    namespace: str
    mode: str = "current"
    on_conflict: str = "rescue"
    fold_every: str = "150ms"
    max_rows: int = 40
    max_age: str = "30ms"
    name: str = "things"

    def write(self) -> None:
        targets, pipelines = self.folder / "specs/targets", self.folder / "specs/pipelines"
        targets.mkdir(parents=True)
        pipelines.mkdir(parents=True)
        (targets / "local.yaml").write_text(TARGET.format(uri=self.uri))
        (pipelines / f"{self.name}.yaml").write_text(PIPELINE.format(**vars(self)))

    @property
    def paths(self) -> TablePaths:
        return TablePaths(str(self.folder / ".oplake/lake"), self.name)

    def start(
        self,
        *words: str,
        nursery: Nursery | None = None,
        patch: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Running:
        """Start `oplake WORDS` on this project; from a nursery when one is given.

        Args:
            patch: makes the process wrong on purpose (``patches``); only from a nursery.
        """
        command = [*words, "--project", str(self.folder)]
        if nursery is not None:
            return Running(nursery.start(command, environment or {}, patch))
        process = subprocess.Popen(
            [OPLAKE, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            text=True,
        )
        return Running(process)

    def finish(self, *words: str, nursery: Nursery | None = None) -> Running:
        """Run `oplake WORDS` to its end; fails unless that is a good one."""
        running = self.start(*words, nursery=nursery)
        assert running.wait() == 0, running.text
        return running

    def apply(self, nursery: Nursery | None = None) -> None:
        self.finish("apply", "--yes", nursery=nursery)

    def catch_up(self, nursery: Nursery | None = None) -> Running:
        return self.finish("run", "--until-caught-up", nursery=nursery)

    def problems(self, collection: Collection[Any], since: Timestamp, last: str) -> list[str]:
        """Everything that is wrong with the tables.

        Args:
            since: a cluster time before the first write.
            last: ``_id`` of the document whose insert was the last write of all.
        """
        log, now = Rows.read(self.paths.changes), documents(collection)
        problems = check_log(log, read_all(collection, since, last))
        if self.mode == "current":
            return problems + check_current(Rows.read(self.paths.current), now)
        return problems + check_history(Rows.read(self.paths.history), log, now)


@dataclass
class Running:
    """One process and what it has logged."""

    process: subprocess.Popen[str] | Forked
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        return "".join(self.lines)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    @property
    def has_ended(self) -> bool:
        """Whether nobody is left who could log."""
        return self._ended

    def wait_for(self, event: str, patience_s: float = PATIENCE_S) -> bool:
        """Wait until the process logs this; False when it ends before."""
        until = time.monotonic() + patience_s
        with self._news:
            while not any(f'"event": "{event}"' in line for line in self.lines):
                if self._ended:
                    return False
                assert self._news.wait(until - time.monotonic()), f"no {event!r} in:\n{self.text}"
        return True

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> int:
        """SIGKILL it, and return how it ended: it may have ended by itself before."""
        self.process.kill()
        return self.wait()

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        code = self.process.wait(patience_s)
        self._reader.join()
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
