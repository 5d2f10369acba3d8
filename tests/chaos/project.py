"""A project on the production transport: one collection, four topic partitions, tables in an object store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bson import Timestamp
from pymongo.collection import Collection

from engine.lake.layout import TablePaths
from engine.stack.s3 import ACCESS_KEY, BUCKET, SECRET_KEY
from tests.chaos.servers import Servers
from tests.faults.checker import Rows, check_current, check_history, check_log
from tests.faults.project import Project, Running
from tests.faults.witness import documents, read_all

TARGET = """\
target: local
mongodb: {{uri: "{mongodb}"}}
transport:
  kafka:
    bootstrap_servers: "{kafka}"
    connect_url: "{connect}"
    client: {{session.timeout.ms: "6000", heartbeat.interval.ms: "1000"}}
    topic: {{partitions: 4, replication_factor: 1}}
    connector: {{heartbeat_interval: 1s}}
lake:
  uri: s3://{bucket}/{name}
  storage: {{endpoint: "{s3}", access_key: "{access_key}", secret_key: "{secret_key}", allow_http: true}}
state: sqlite:///.oplake/state.db
"""
PIPELINE = """\
pipeline: {name}
source: {{collections: [{namespace}]}}
table: {{mode: {mode}, fold: {{every: 500ms}}}}
batch: {{max_rows: 100, max_age: 100ms}}
"""
PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class ChaosProject:
    """Specs, and what has to be true of the tables in the end."""

    folder: Path
    servers: Servers
    collection: Collection[Any]
    mode: str

    @property
    def name(self) -> str:
        """Of the pipeline and of its table."""
        return self.collection.name

    @property
    def paths(self) -> TablePaths:
        """Where the tables are."""
        return TablePaths(f"s3://{BUCKET}/{self.name}", self.name)

    @property
    def options(self) -> Mapping[str, str]:
        """How deltalake reaches them."""
        return self.servers.s3.storage_options()

    def write(self) -> None:
        """Write the specs."""
        servers = self.servers
        target = TARGET.format(
            mongodb=servers.mongodb.uri,
            kafka=servers.kafka.bootstrap_servers,
            connect=servers.connect.url,
            s3=servers.s3.endpoint,
            bucket=BUCKET,
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
            name=self.name,
        )
        pipeline = PIPELINE.format(name=self.name, namespace=self.collection.full_name, mode=self.mode)
        for path, text in (("targets/local.yaml", target), (f"pipelines/{self.name}.yaml", pipeline)):
            spec = self.folder / "specs" / path
            spec.parent.mkdir(parents=True, exist_ok=True)
            spec.write_text(text)

    def start(self, *words: str) -> Running:
        """Start `oplake WORDS`."""
        return Project(self.folder, "", "").start(*words)

    def finish(self, *words: str) -> Running:
        """Run `oplake WORDS` to its end; fails unless that is a good one."""
        running = self.start(*words)
        assert running.wait(PATIENCE_S) == 0, running.text[-4000:]
        return running

    def log(self) -> Rows:
        """The change log as it is now."""
        return Rows.read(self.paths.changes, self.options)

    def problems(self, since: Timestamp, last: str) -> list[str]:
        """Everything that is wrong: the log holds each event once, the folded table is the collection.

        Args:
            since: a cluster time after the snapshot; events from then on are compared one by one.
            last: ``_id`` of the document whose insert was the last write of all.
        """
        log, now = self.log(), documents(self.collection)
        begun = f"{since.time:08x}{since.inc:08x}"
        streamed = [row for row in log.rows if row["_op"] != "r" and row["_position"][: len(begun)] > begun]
        after = Timestamp(since.time, since.inc + 1)
        problems = check_log(Rows(streamed, log.columns), read_all(self.collection, after, last))
        if self.mode == "current":
            return problems + check_current(Rows.read(self.paths.current, self.options), now)
        return problems + check_history(Rows.read(self.paths.history, self.options), log, now)
