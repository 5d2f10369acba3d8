"""A project on the production transport: two collections, four topic partitions each, tables in an object store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bson import Timestamp
from pymongo.collection import Collection

from engine.lake.layout import TablePaths
from engine.stack.s3 import ACCESS_KEY, BUCKET, SECRET_KEY
from tests.chaos.servers import Servers
from tests.faults.checker import Rows, check_current, check_history, check_log
from tests.faults.spec_folder import SpecFolder
from tests.faults.witness import documents, read_all

TARGET = """\
target: local
mongodb: {{uri: "{mongodb}"}}
transport:
  kafka:
    bootstrap_servers: "{kafka}"
    connect_url: "{connect}"
    client: {{session.timeout.ms: "4000", heartbeat.interval.ms: "1000"}}
    topic: {{partitions: {partitions}, replication_factor: 1}}
    connector: {{heartbeat_interval: 1s, producer: {{transaction_timeout: 10s}}}}
lake:
  uri: {lake}
  storage: {{endpoint: "{s3}", access_key: "{access_key}", secret_key: "{secret_key}", allow_http: true}}
state: sqlite:///.oplake/state.db
"""
PIPELINE = """\
pipeline: {name}
source: {{collections: [{namespace}]}}
table: {{mode: {mode}, fold: {{every: 1s}}}}
batch: {{max_rows: 500, max_age: 250ms}}
"""
LAKE = f"s3://{BUCKET}/chaos"
PARTITIONS = 4
PATIENCE_S = 600.0
"""Only what hangs takes longer, however busy the machine is."""


@dataclass(frozen=True, slots=True)
class ChaosTable:
    """One collection and its table."""

    collection: Collection[Any]
    mode: str
    options: Mapping[str, str]
    """How deltalake reaches the table, past the proxy."""

    @property
    def name(self) -> str:
        """Of the pipeline and of its table."""
        return self.collection.name

    @property
    def topic(self) -> str:
        """Where the connector writes."""
        return f"local.{self.name}.{self.collection.full_name}"

    @property
    def paths(self) -> TablePaths:
        """Where the tables are."""
        return TablePaths(LAKE, self.name)

    @property
    def folded(self) -> str:
        """The table that the log is folded into."""
        return self.paths.current if self.mode == "current" else self.paths.history

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
        folded = Rows.read(self.folded, self.options)
        check = check_current(folded, now) if self.mode == "current" else check_history(folded, log, now)
        return [f"{self.name}: {problem}" for problem in problems + check]


@dataclass(frozen=True, slots=True)
class ChaosProject(SpecFolder):
    """Specs, and what has to be true of the tables in the end."""

    folder: Path
    servers: Servers
    tables: Sequence[ChaosTable]
    patience_s: ClassVar[float] = PATIENCE_S

    @classmethod
    def of(cls, folder: Path, servers: Servers) -> ChaosProject:
        """One table of each mode that is folded."""
        options = servers.s3.storage_options()
        shop = servers.client["shop"]
        return cls(folder, servers, [ChaosTable(shop[f"of_{mode}"], mode, options) for mode in ("current", "history")])

    def write(self) -> None:
        """Write the specs."""
        servers = self.servers
        target = TARGET.format(
            mongodb=servers.mongodb.uri,
            kafka=servers.kafka.bootstrap_servers,
            connect=servers.connect.url,
            partitions=PARTITIONS,
            lake=LAKE,
            s3=servers.proxy.endpoint,
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
        )
        texts = {"targets/local": target}
        for table in self.tables:
            texts[f"pipelines/{table.name}"] = PIPELINE.format(
                name=table.name, namespace=table.collection.full_name, mode=table.mode
            )
        self.write_specs(texts)
