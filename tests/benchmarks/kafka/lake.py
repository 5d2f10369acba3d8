"""A project of one collection on Kafka, run by the real command."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.lake.change_log import ChangeLog
from engine.lake.layout import TablePaths
from engine.spec.types import Struct
from engine.stack.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Store
from engine.state.database import open_database
from tests.benchmarks.kafka.commits import steady_rate
from tests.benchmarks.measurement import in_bytes
from tests.faults.spec_folder import OPLAKE

TARGET = """\
target: local
mongodb: {{uri: "mongodb://127.0.0.1:1/?replicaSet=none"}}
transport: {{kafka: {{bootstrap_servers: "{bootstrap_servers}", connect_url: "http://127.0.0.1:1"}}}}
lake: {lake}
state: sqlite:///.oplake/state.db
"""
PIPELINE = """\
pipeline: users
source: {{collections: [shop.users]}}
table: {{name: {table}, mode: {mode}, fold: {{every: {fold_every}}}}}
batch: {{max_age: 2s}}
"""
TOPIC = "local.users.shop.users"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took: wall and processor seconds, and the most memory of any of its processes."""

    seconds: float
    cpu_s: float = 0.0
    peak_bytes: int = 0
    steady_rate: float | None = None
    """Events a second without start-up and end: those after the first commit, until the last one."""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with specs and an empty change log."""

    folder: Path
    paths: TablePaths
    options: Mapping[str, str]

    @classmethod
    def make(
        cls, folder: Path, bootstrap_servers: str, *, mode: str, fold_every: str = "60s", store: S3Store | None = None
    ) -> Project:
        """Write the specs and make log and state, as ``apply`` would with a connector.

        The table, and with it the consumer group, is named after the folder.
        """
        lake_uri = f"s3://{BUCKET}/{folder.name}" if store else str(folder / "lake")
        lake = f'{{uri: "{lake_uri}"{_storage(store)}}}'
        table = folder.name.replace("-", "_")
        texts = {
            "targets/local": TARGET.format(bootstrap_servers=bootstrap_servers, lake=lake),
            "pipelines/users": PIPELINE.format(table=table, mode=mode, fold_every=fold_every),
        }
        for name, text in texts.items():
            spec = folder / f"specs/{name}.yaml"
            spec.parent.mkdir(parents=True, exist_ok=True)
            spec.write_text(text)
        options = store.storage_options() if store else {}
        state = folder / ".oplake" / "state.db"
        open_database(f"sqlite:///{state}").close()
        paths = TablePaths(lake_uri, table)
        ChangeLog.create(paths.changes, Struct({}), storage_options=options)
        return cls(folder, paths, options)

    def rename(self, pipeline: str) -> str:
        """Give the pipeline another name; its table keeps its own. Returns the topic that it reads now."""
        spec = self.folder / "specs/pipelines/users.yaml"
        spec.write_text(spec.read_text().replace("pipeline: users", f"pipeline: {pipeline}"))
        return f"local.{pipeline}.shop.users"

    def command(self, workers: int, *words: str) -> list[str]:
        """``oplake run`` with so many worker processes."""
        several = ["--workers", str(workers)] if workers > 1 else []
        return [OPLAKE, "run", *several, *words]

    def catch_up(self, workers: int) -> Cost:
        """Run until everything in the topic is in the tables.

        Raises:
            RuntimeError: the command failed.
        """
        before = ChangeLog.open(self.paths.changes, self.options).version()
        with (self.folder / "run.log").open("wb") as log:
            started = time.perf_counter()
            process = subprocess.Popen(
                self.command(workers, "--until-caught-up"), cwd=self.folder, stdin=subprocess.DEVNULL, stderr=log
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError((self.folder / "run.log").read_text()[-3000:])
        steady = steady_rate(self.paths, self.options, before)
        return Cost(seconds, usage.ru_utime + usage.ru_stime, in_bytes(usage.ru_maxrss), steady)


def _storage(store: S3Store | None) -> str:
    if store is None:
        return ""
    keys = f'access_key: "{ACCESS_KEY}", secret_key: "{SECRET_KEY}"'
    return f', storage: {{endpoint: "{store.endpoint}", allow_http: true, {keys}}}'
